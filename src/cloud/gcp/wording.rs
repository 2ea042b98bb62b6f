//! What the description of a SKU says. Main type: [`Wording`].
//!
//! What a SKU is for stands only in its description; `usageType` is `OnDemand` for reservations, queues and even some
//! spot SKUs, too. So only wordings that are known count, and a new one never becomes a price by accident.
//! The wordings are those that Cyclenerd/google-cloud-pricing-cost-calculator, cloudpilot-ai/karpenter-provider-gcp,
//! dstackai/gpuhunt and SpareCores/sc-crawler tell of.

use super::bill::{
    A100_40, A100_80, B200_SLICE, H100, H100_MEGA, H200, HOSTS, L4, Part, RTX_6000, RTX_6000_EIGHTH,
};
use crate::cloud::{Capacity, Reason};

/// GPUs as descriptions name them. Each kind has one wording that is no part of another's.
const GPUS: [(&str, &str); 11] = [
    ("Tesla A100 GPU", A100_40),
    ("Tesla A100 80GB GPU", A100_80),
    ("H100 80GB GPU", H100),
    ("H100 80GB Mega GPU", H100_MEGA),
    ("H100 Mega 80GB GPU", H100_MEGA),
    ("H100 80GB Plus GPU", H100_MEGA),
    ("H200 141GB GPU", H200),
    ("Nvidia L4 GPU", L4),
    ("RTX 6000 96GB", RTX_6000),
    ("1/8 vGPU no lssd", RTX_6000_EIGHTH),
    ("A4 Nvidia B200 (1 gpu slice)", B200_SLICE),
];

/// Words between a host and what of it, of machines that are something else.
const VARIANTS: [&str; 3] = [" Sole Tenancy", " Custom Extended", " Custom"];

/// A part and the words around it.
pub(super) struct Wording<'a> {
    pub(super) part: Part,
    description: &'a str,
    before: &'a str,
    after: &'a str,
}

impl<'a> Wording<'a> {
    /// Reads a description, if it is about a part of a machine with GPUs.
    pub(super) fn read(description: &'a str) -> Option<Self> {
        gpu(description)
            .or_else(|| host(description))
            .or_else(|| local_ssd(description))
    }

    /// Returns how the part is paid for.
    pub(super) fn capacity(&self, usage_type: &str) -> Result<Capacity, Reason> {
        if let Some(reason) = rejection(self.description) {
            return Err(reason);
        }
        let after = self.after;
        let is_plain = after.starts_with(" running in ")
            || self.part == Part::LocalSsd && (after.is_empty() || after.starts_with(" in "));
        match self.before {
            "Commitment v1:" => term(after),
            "Spot Preemptible" if is_plain => Ok(Capacity::Spot),
            "" if after.starts_with(" attached to Spot Preemptible VMs") => Ok(Capacity::Spot),
            "" if is_plain && usage_type == "OnDemand" => Ok(Capacity::OnDemand),
            _ => Err(Reason::Malformed),
        }
    }
}

fn gpu(text: &str) -> Option<Wording<'_>> {
    GPUS.iter().find_map(|(words, kind)| {
        let (before, after) = text.split_once(words)?;
        let before = before.trim_end();
        Some(Wording {
            part: Part::Gpu(kind),
            description: text,
            before: before.strip_suffix("Nvidia").unwrap_or(before).trim_end(),
            after,
        })
    })
}

/// Finds `A2 Instance Core`, in commitments `A2 Cpu`.
fn host(text: &str) -> Option<Wording<'_>> {
    HOSTS.iter().find_map(|&host| {
        let (before, rest) = text.split_once(host)?;
        let variant = VARIANTS.iter().find_map(|words| rest.strip_prefix(words));
        let rest = variant.unwrap_or(rest);
        let rest = rest.strip_prefix(" Instance").unwrap_or(rest);
        let kinds = [
            (" Core", Part::Core(host)),
            (" Cpu", Part::Core(host)),
            (" Ram", Part::Ram(host)),
        ];
        let mut kinds = kinds.into_iter();
        let (part, after) =
            kinds.find_map(|(word, part)| Some((part, rest.strip_prefix(word)?)))?;
        let is_whole_word = before.is_empty() || before.ends_with(' ');
        is_whole_word.then_some(Wording {
            part,
            description: text,
            before: before.trim_end(),
            after,
        })
    })
}

/// Newer families, which have no GPUs, have Local SSD of their own: `C4 Instance Local SSD`.
fn local_ssd(text: &str) -> Option<Wording<'_>> {
    let on_its_own = text.split_once("SSD backed Local Storage");
    let committed = text.split_once("Local SSD");
    let committed = committed.filter(|(before, _)| *before == "Commitment v1: ");
    let (before, after) = on_its_own.or(committed)?;
    Some(Wording {
        part: Part::LocalSsd,
        description: text,
        before: before.trim_end(),
        after,
    })
}

/// Returns why a description is about something else than the use of a machine as it is.
fn rejection(description: &str) -> Option<Reason> {
    let words = [
        ("DWS", Reason::Appointment),
        ("Defined Duration", Reason::Appointment),
        ("Calendar Mode", Reason::Appointment),
        ("Reserved", Reason::Appointment),
        ("Sole Tenancy", Reason::Dedicated),
        ("Custom", Reason::Extra),
        ("Premium", Reason::Extra),
        ("suspended", Reason::Extra),
        ("Virtual Workstation", Reason::Extra),
    ];
    let found = words
        .into_iter()
        .find(|(word, _)| description.contains(word));
    found.map(|(_, reason)| reason)
}

/// Reads the end of ` in Americas for 1 Year`; there are commitments of 5 years, too.
fn term(after: &str) -> Result<Capacity, Reason> {
    if after.ends_with(" for 1 Year") {
        Ok(Capacity::Reserved1y)
    } else if after.ends_with(" for 3 Year") || after.ends_with(" for 3 Years") {
        Ok(Capacity::Reserved3y)
    } else {
        Err(Reason::Term)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a description means to a catalog that calls everything `OnDemand`.
    fn meaning(description: &str) -> Option<(Part, Result<Capacity, Reason>)> {
        let wording = Wording::read(description)?;
        Some((wording.part, wording.capacity("OnDemand")))
    }

    #[test]
    fn descriptions_say_what_is_bought_and_how() {
        use Capacity::{OnDemand, Reserved1y, Reserved3y, Spot};
        for (description, part, capacity) in [
            (
                "Nvidia Tesla A100 GPU running in Americas",
                Part::Gpu(A100_40),
                OnDemand,
            ),
            (
                "Nvidia Tesla A100 80GB GPU running in Netherlands",
                Part::Gpu(A100_80),
                OnDemand,
            ),
            (
                "Nvidia H100 80GB GPU running in Americas",
                Part::Gpu(H100),
                OnDemand,
            ),
            (
                "Nvidia H100 80GB Plus GPU running in Americas",
                Part::Gpu(H100_MEGA),
                OnDemand,
            ),
            (
                "Nvidia H100 80GB Mega GPU attached to Spot Preemptible VMs running in Tokyo",
                Part::Gpu(H100_MEGA),
                Spot,
            ),
            (
                "H200 141GB GPU running in Netherlands",
                Part::Gpu(H200),
                OnDemand,
            ),
            (
                "RTX 6000 96GB attached to Spot Preemptible VMs running in Belgium",
                Part::Gpu(RTX_6000),
                Spot,
            ),
            (
                "1/8 vGPU no lssd running in Iowa",
                Part::Gpu(RTX_6000_EIGHTH),
                OnDemand,
            ),
            (
                "Spot Preemptible A4 Nvidia B200 (1 gpu slice) running in Americas",
                Part::Gpu(B200_SLICE),
                Spot,
            ),
            (
                "A4 Nvidia B200 (1 gpu slice) running in Americas",
                Part::Gpu(B200_SLICE),
                OnDemand,
            ),
            (
                "Commitment v1: H200 141GB GPU running in Americas for 3 Years",
                Part::Gpu(H200),
                Reserved3y,
            ),
            (
                "A2 Instance Core running in Americas",
                Part::Core("A2"),
                OnDemand,
            ),
            (
                "A3Plus Instance Ram running in Americas",
                Part::Ram("A3Plus"),
                OnDemand,
            ),
            (
                "Spot Preemptible A3 Instance Core running in Americas",
                Part::Core("A3"),
                Spot,
            ),
            (
                "Commitment v1: A3 Cpu in Americas for 1 Year",
                Part::Core("A3"),
                Reserved1y,
            ),
            ("SSD backed Local Storage", Part::LocalSsd, OnDemand),
            (
                "SSD backed Local Storage in Bangkok",
                Part::LocalSsd,
                OnDemand,
            ),
            (
                "SSD backed Local Storage attached to Spot Preemptible VMs running in Paris",
                Part::LocalSsd,
                Spot,
            ),
            (
                "Commitment v1: Local SSD in Iowa for 1 Year",
                Part::LocalSsd,
                Reserved1y,
            ),
        ] {
            assert_eq!(
                meaning(description),
                Some((part, Ok(capacity))),
                "{description}"
            );
        }
    }

    #[test]
    fn what_only_looks_like_on_demand_is_rejected() {
        for (description, reason) in [
            (
                "Nvidia H100 80GB GPU attached to DWS Defined Duration VMs running in Americas",
                Reason::Appointment,
            ),
            (
                "DWS Defined Duration A3Ultra Core running in Iowa",
                Reason::Appointment,
            ),
            (
                "DWS Calendar Mode A4 Nvidia B200 (1 gpu slice) running in Americas",
                Reason::Appointment,
            ),
            (
                "Reserved Nvidia H100 80GB Mega GPU in Americas in Calendar Mode",
                Reason::Appointment,
            ),
            ("Reserved A2 Ram in Netherlands", Reason::Appointment),
            (
                "A3 Instance Core attached to Sole Tenancy VMs running in Iowa",
                Reason::Dedicated,
            ),
            (
                "G2 Custom Extended Instance Ram running in Iowa",
                Reason::Extra,
            ),
            ("G2 Instance Core Premium running in Iowa", Reason::Extra),
            ("SSD backed Local Storage of suspended VMs", Reason::Extra),
            (
                "Nvidia L4 GPU Virtual Workstation running in Iowa",
                Reason::Extra,
            ),
            (
                "Commitment v1: A3 Cpu in Americas for 5 Years",
                Reason::Term,
            ),
            (
                "Nvidia H100 80GB GPU attached to Moonlight VMs running in Americas",
                Reason::Malformed,
            ),
        ] {
            let capacity = meaning(description).map(|(_, capacity)| capacity);
            assert_eq!(capacity, Some(Err(reason)), "{description}");
        }
    }

    #[test]
    fn an_on_demand_price_must_be_called_so() {
        let wording = Wording::read("Nvidia L4 GPU running in Iowa").expect("a GPU");
        for usage in ["Commit1Yr", "Preemptible", ""] {
            assert_eq!(wording.capacity(usage), Err(Reason::Malformed), "{usage}");
        }
    }

    #[test]
    fn other_things_are_none_of_ours() {
        for description in [
            "N1 Predefined Instance Core running in Americas",
            "C4 Instance Local SSD running in Iowa",
            "Commitment v1: C4D Local SSD in Americas for 3 Year",
            "XA2 Instance Core running in Americas",
            "Licensing Fee for Windows Server 2019 Datacenter Edition (CPU cost)",
        ] {
            assert_eq!(meaning(description), None, "{description}");
        }
    }
}
