//! One row of the official price list: its columns, and whether it is a price of mcai's. Main types: [`Column`],
//! [`Columns`].

use super::prices::Row;
use crate::cloud::{Capacity, Reason};

/// The columns that say what a row is about.
#[derive(Clone, Copy)]
pub(super) enum Column {
    TermType,
    Unit,
    PricePerUnit,
    Currency,
    LeaseContractLength,
    PurchaseOption,
    OfferingClass,
    ProductFamily,
    Location,
    LocationType,
    InstanceType,
    InstanceFamily,
    Tenancy,
    OperatingSystem,
    LicenseModel,
    CapacityStatus,
    Gpu,
    MarketOption,
    PreInstalledSoftware,
    RegionCode,
}

/// Their headings, in the order of [`Column`].
const HEADINGS: [&str; 20] = [
    "TermType",
    "Unit",
    "PricePerUnit",
    "Currency",
    "LeaseContractLength",
    "PurchaseOption",
    "OfferingClass",
    "Product Family",
    "Location",
    "Location Type",
    "Instance Type",
    "Instance Family",
    "Tenancy",
    "Operating System",
    "License Model",
    "CapacityStatus",
    "GPU",
    "MarketOption",
    "Pre Installed S/W",
    "Region Code",
];

/// Where the columns are: the list has about 90, and new ones come in between.
pub(super) struct Columns {
    positions: [usize; HEADINGS.len()],
    pub(super) count: usize,
}

impl Columns {
    /// Finds the columns, or returns the heading that is missing: without one of them, other machines would pass as ours.
    pub(super) fn find(headings: &[&str]) -> Result<Self, &'static str> {
        let mut positions = [0; HEADINGS.len()];
        for (position, wanted) in positions.iter_mut().zip(HEADINGS) {
            let found = headings.iter().position(|heading| *heading == wanted);
            *position = found.ok_or(wanted)?;
        }
        Ok(Columns {
            positions,
            count: headings.len(),
        })
    }

    pub(super) fn position(&self, column: Column) -> usize {
        self.positions[column as usize]
    }
}

/// A row, taken apart.
pub(super) struct Offer<'a> {
    pub(super) columns: &'a Columns,
    pub(super) fields: &'a [&'a str],
}

impl<'a> Offer<'a> {
    fn get(&self, column: Column) -> &'a str {
        let field = self.fields.get(self.columns.position(column));
        field.copied().unwrap_or_default()
    }

    pub(super) fn row(&self) -> Row<'a> {
        // A local zone or a wavelength zone has the code of the region above it, and other prices.
        let region = match self.get(Column::LocationType) {
            "AWS Region" => self.get(Column::RegionCode),
            _ => self.get(Column::Location),
        };
        Row {
            instance_type: self.get(Column::InstanceType),
            region,
            price: self.get(Column::PricePerUnit),
            has_gpus: self.get(Column::InstanceFamily) == "GPU instance",
            gpus: self.get(Column::Gpu).parse().ok(),
            verdict: match self.fields.len() == self.columns.count {
                true => self.judge(),
                false => Err(Reason::Malformed),
            },
        }
    }

    fn judge(&self) -> Result<Capacity, Reason> {
        match (self.get(Column::ProductFamily), self.get(Column::Tenancy)) {
            // A whole machine is listed as dedicated, and costs what it costs as shared.
            ("Compute Instance" | "Compute Instance (bare metal)", "Shared")
            | ("Compute Instance (bare metal)", "Dedicated") => {}
            _ => return Err(Reason::Dedicated),
        }
        if self.get(Column::OperatingSystem) != "Linux" {
            return Err(Reason::System);
        }
        let software = self.get(Column::PreInstalledSoftware);
        let license = self.get(Column::LicenseModel);
        if !matches!(software, "" | "NA") || !matches!(license, "" | "NA" | "No License required") {
            return Err(Reason::Extra);
        }
        // The other states are of reserved capacity, used by somebody else or by nobody; Capacity Blocks cost 0.00 here.
        if self.get(Column::CapacityStatus) != "Used"
            || self.get(Column::MarketOption) != "OnDemand"
        {
            return Err(Reason::Appointment);
        }
        if self.get(Column::Currency) != "USD" {
            return Err(Reason::Currency);
        }
        let capacity = self.capacity().ok_or(Reason::Term)?;
        match self.get(Column::Unit) {
            "Hrs" => Ok(capacity),
            _ => Err(Reason::Unit),
        }
    }

    /// Returns how the machine is paid for: as it runs, or for years by the month.
    fn capacity(&self) -> Option<Capacity> {
        let contract = (
            self.get(Column::TermType),
            self.get(Column::PurchaseOption),
            self.get(Column::OfferingClass),
            self.get(Column::LeaseContractLength),
        );
        match contract {
            ("OnDemand", ..) => Some(Capacity::OnDemand),
            ("Reserved", "No Upfront", "standard", "1yr") => Some(Capacity::Reserved1y),
            ("Reserved", "No Upfront", "standard", "3yr") => Some(Capacity::Reserved3y),
            _ => None,
        }
    }
}
