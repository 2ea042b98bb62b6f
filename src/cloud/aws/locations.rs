//! What the AWS site calls its regions: its price lists know places, not codes.

/// Region codes with the names of the site, from its own list
/// `https://b0.p.awsstatic.com/locations/1.0/aws/current/locations.json`, in the copy of github.com/lamngockhuong/aws-price,
/// November 2025. The names for people (`Europe (Frankfurt)`) differ; the site's addresses have these. China and the European
/// Sovereign Cloud are not on it: they have sites of their own.
pub(super) static LOCATIONS: [(&str, &str); 36] = [
    ("af-south-1", "Africa (Cape Town)"),
    ("ap-east-1", "Asia Pacific (Hong Kong)"),
    ("ap-east-2", "Asia Pacific (Taipei)"),
    ("ap-northeast-1", "Asia Pacific (Tokyo)"),
    ("ap-northeast-2", "Asia Pacific (Seoul)"),
    ("ap-northeast-3", "Asia Pacific (Osaka)"),
    ("ap-south-1", "Asia Pacific (Mumbai)"),
    ("ap-south-2", "Asia Pacific (Hyderabad)"),
    ("ap-southeast-1", "Asia Pacific (Singapore)"),
    ("ap-southeast-2", "Asia Pacific (Sydney)"),
    ("ap-southeast-3", "Asia Pacific (Jakarta)"),
    ("ap-southeast-4", "Asia Pacific (Melbourne)"),
    ("ap-southeast-5", "Asia Pacific (Malaysia)"),
    ("ap-southeast-6", "Asia Pacific (New Zealand)"),
    ("ap-southeast-7", "Asia Pacific (Thailand)"),
    ("ca-central-1", "Canada (Central)"),
    ("ca-west-1", "Canada West (Calgary)"),
    ("eu-central-1", "EU (Frankfurt)"),
    ("eu-central-2", "EU (Zurich)"),
    ("eu-north-1", "EU (Stockholm)"),
    ("eu-south-1", "EU (Milan)"),
    ("eu-south-2", "EU (Spain)"),
    ("eu-west-1", "EU (Ireland)"),
    ("eu-west-2", "EU (London)"),
    ("eu-west-3", "EU (Paris)"),
    ("il-central-1", "Israel (Tel Aviv)"),
    ("me-central-1", "Middle East (UAE)"),
    ("me-south-1", "Middle East (Bahrain)"),
    ("mx-central-1", "Mexico (Central)"),
    ("sa-east-1", "South America (Sao Paulo)"),
    ("us-east-1", "US East (N. Virginia)"),
    ("us-east-2", "US East (Ohio)"),
    ("us-gov-east-1", "AWS GovCloud (US-East)"),
    ("us-gov-west-1", "AWS GovCloud (US)"),
    ("us-west-1", "US West (N. California)"),
    ("us-west-2", "US West (Oregon)"),
];

/// Returns the code of a region by its name on the site.
pub(super) fn region(location: &str) -> Option<&'static str> {
    let found = LOCATIONS.iter().find(|(_, name)| *name == location);
    found.map(|(code, _)| *code)
}

#[cfg(test)]
mod tests {
    use super::super::PROVIDER;
    use super::*;

    #[test]
    fn every_region_of_the_table_has_a_name_or_a_site_of_its_own() {
        let named = |code: &str| LOCATIONS.iter().any(|(known, _)| *known == code);
        let unnamed = PROVIDER.regions().iter().map(|row| row.region.as_str());
        let unnamed: Vec<&str> = unnamed.filter(|code| !named(code)).collect();
        assert_eq!(unnamed, ["cn-north-1", "cn-northwest-1", "eusc-de-east-1"]);
        for (code, name) in LOCATIONS {
            assert!(PROVIDER.region(code).is_some(), "{code}");
            assert_eq!(region(name), Some(code));
        }
    }
}
