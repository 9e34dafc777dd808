//! Zone abbreviations and the constant offset each stands for.
//!
//! The set and the readings of the ambiguous ones (`CST` is America, `IST` is missing, …) are those of fail2ban, so
//! that a log read by both gives the same times. No abbreviation switches to daylight saving; a named zone does.

/// Minutes east of UTC of an abbreviation, which is in capitals (only UTC, GMT and Z may be small); `None` for an
/// unknown one.
pub(super) fn offset_minutes(name: &[u8]) -> Option<i32> {
    if [&b"Z"[..], b"UTC", b"GMT"].iter().any(|utc| utc.eq_ignore_ascii_case(name)) {
        return Some(0);
    }
    let at = TABLE.binary_search_by(|(abbreviation, _)| abbreviation.as_bytes().cmp(name)).ok()?;
    TABLE.get(at).map(|(_, minutes)| *minutes)
}

/// Abbreviation and minutes east of UTC, sorted by abbreviation. The single letters are the military zones (there is
/// no `J`).
#[rustfmt::skip]
const TABLE: &[(&str, i32)] = &[
    ("A", 60), ("ACDT", 630), ("ACST", 570), ("ACT", 480), ("ADT", -180), ("AEDT", 660), ("AEST", 600),
    ("AFT", 270), ("AKDT", -480), ("AKST", -540), ("ALMT", 360), ("AMST", 300), ("AMT", 240),
    ("ANAST", 720), ("ANAT", 720), ("AQTT", 300), ("ART", -180), ("AST", -240), ("AWDT", 540),
    ("AWST", 480), ("AZOT", -60), ("AZST", 300), ("AZT", 240), ("B", 120), ("BDT", 480), ("BIOT", 360),
    ("BNT", 480), ("BOT", -240), ("BRST", -120), ("BRT", -180), ("BTT", 360), ("C", 180), ("CAST", 480),
    ("CAT", 120), ("CCT", 390), ("CDT", -300), ("CEDT", 120), ("CEST", 120), ("CET", 60), ("CHST", 600),
    ("CIST", -480), ("CKT", -600), ("CLST", -180), ("CLT", -240), ("COST", -240), ("COT", -300),
    ("CST", -360), ("CVT", -60), ("CXT", 420), ("D", 240), ("DAVT", 420), ("DFT", 60), ("E", 300),
    ("EASST", -300), ("EAST", -360), ("EAT", 180), ("ECT", -300), ("EDT", -240), ("EEDT", 180),
    ("EEST", 180), ("EET", 120), ("EGST", 0), ("EGT", -60), ("EST", -300), ("ET", -300), ("F", 360),
    ("FJST", 780), ("FJT", 720), ("FKST", -180), ("FKT", -240), ("FNT", -120), ("G", 420),
    ("GALT", -360), ("GAMT", -540), ("GET", 240), ("GFT", -180), ("GILT", 720), ("GIT", -540),
    ("GMT", 0), ("GST", 240), ("GYT", -240), ("H", 480), ("HAA", -180), ("HAC", -300), ("HADT", -540),
    ("HAE", -240), ("HAP", -420), ("HAR", -360), ("HAST", -600), ("HAT", -150), ("HAY", -480),
    ("HKT", 480), ("HLV", -270), ("HMT", 300), ("HNA", -240), ("HNC", -360), ("HNE", -300),
    ("HNP", -480), ("HNR", -420), ("HNT", -210), ("HNY", -540), ("HOVT", 420), ("HST", -600), ("I", 540),
    ("ICT", 420), ("IDT", 180), ("IOT", 360), ("IRDT", 270), ("IRKST", 540), ("IRKT", 480),
    ("IRST", 210), ("JST", 540), ("K", 600), ("KGT", 360), ("KRAST", 480), ("KRAT", 420), ("KST", 540),
    ("KUYT", 240), ("L", 660), ("LHDT", 660), ("LHST", 630), ("M", 720), ("MAGST", 720), ("MAGT", 660),
    ("MART", -570), ("MAWT", 300), ("MDT", -360), ("MHT", 720), ("MIT", -570), ("MMT", 390),
    ("MSD", 240), ("MSK", 180), ("MST", -420), ("MUT", 240), ("MVT", 300), ("MYT", 480), ("N", -60),
    ("NCT", 660), ("NDT", -150), ("NFT", 690), ("NOVST", 420), ("NOVT", 360), ("NPT", 345),
    ("NST", -210), ("NT", -210), ("NUT", -660), ("NZDT", 780), ("NZST", 720), ("O", -120),
    ("OMSST", 420), ("OMST", 360), ("P", -180), ("PDT", -420), ("PET", -300), ("PETST", 720),
    ("PETT", 720), ("PGT", 600), ("PHT", 480), ("PKT", 300), ("PMDT", -120), ("PMST", -180),
    ("PONT", 660), ("PST", -480), ("PT", -480), ("PWT", 540), ("PYST", -180), ("PYT", -240), ("Q", -240),
    ("R", -300), ("RET", 240), ("S", -360), ("SAMT", 240), ("SAST", 120), ("SBT", 660), ("SCT", 240),
    ("SGT", 480), ("SLT", 330), ("SRT", -180), ("SST", -660), ("T", -420), ("TAHT", -600), ("TFT", 300),
    ("THA", 420), ("TJT", 300), ("TKT", -600), ("TLT", 540), ("TMT", 300), ("TVT", 720), ("U", -480),
    ("ULAT", 480), ("UTC", 0), ("UYST", -120), ("UYT", -180), ("UZT", 300), ("V", -540), ("VET", -270),
    ("VLAST", 660), ("VLAT", 600), ("VUT", 660), ("W", -600), ("WAST", 120), ("WAT", 60), ("WDT", 540),
    ("WEDT", 60), ("WEST", 60), ("WET", 0), ("WFT", 720), ("WGST", -120), ("WGT", -180), ("WIB", 420),
    ("WIT", 540), ("WITA", 480), ("WST", 480), ("WT", 0), ("X", -660), ("Y", -720), ("YAKST", 600),
    ("YAKT", 540), ("YAPT", 600), ("YEKST", 360), ("YEKT", 300), ("Z", 0),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_without_doubles_and_within_its_bounds() {
        assert!(TABLE.windows(2).all(|pair| pair[0].0 < pair[1].0));
        for (name, minutes) in TABLE {
            assert!(matches!(name.len(), 1..=5) && name.bytes().all(|b| b.is_ascii_uppercase()), "{name}");
            assert!((-12 * 60..=13 * 60).contains(minutes) && minutes % 15 == 0, "{name}");
        }
    }

    #[test]
    fn looks_up_and_refuses_the_unknown() {
        assert_eq!(offset_minutes(b"CEST"), Some(120));
        assert_eq!(offset_minutes(b"CHST"), Some(600));
        assert_eq!(offset_minutes(b"PDT"), Some(-420));
        assert_eq!(offset_minutes(b"utc"), Some(0));
        assert_eq!(offset_minutes(b"NPT"), Some(345));
        assert_eq!(offset_minutes(b"Z"), Some(0));
        assert_eq!(offset_minutes(b"A"), Some(60));
        assert_eq!(offset_minutes(b"Y"), Some(-720));
        for unknown in [&b"J"[..], b"pdt", b"x", b"ERROR", b"", b"TOOLONG", b"C\xc3\xa9T"] {
            assert_eq!(offset_minutes(unknown), None);
        }
    }
}
