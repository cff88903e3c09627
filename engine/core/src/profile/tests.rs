use super::*;
use crate::json::parse;

#[test]
fn presets_read_back_as_they_were_written() {
    for name in PRESETS {
        let profile = preset(name).expect("a preset");
        assert_eq!(text::from_text(&text::text_of(&profile)), Ok(profile), "{name}");
    }
}

#[test]
fn an_object_without_a_preset_means_what_it_always_meant() {
    let given = br#"{"name":"realistic","spread_ticks":3,"participation":"0.1",
        "market_orders":"next_bar"}"#;
    let profile = text::read(&parse(given).expect("JSON")).expect("a profile");
    assert_eq!(profile.rules, None);
    assert_eq!(profile.spread_ticks, 3);
}

#[test]
fn every_setting_is_read_and_written() {
    let given = br#"{"preset":"conservative","name":"mine","spread_rate":"0.0005",
        "depth":"volume","slippage":"bps","slippage_rate":"0.0002","slippage_ticks":2,
        "daily_volume":1000000,"daily_volatility":"0.02","outstanding":5000000,
        "factors":[{"asset_class":"crypto","phase":"opening","condition":"stressed",
        "factor":"2.5"}],
        "command_latency":{"model":"log_normal","mean_ms":"1.5","sigma":"0.4","most_ms":"50"},
        "event_latency":{"mean_ms":"0.25"},"queue":"touch","bar_through":false,
        "path":"high_first","gap":"open","partial_rate":"0.5","participation":"0.2"}"#;
    let profile = text::read(&parse(given).expect("JSON")).expect("a profile");
    let rules = profile.rules.clone().expect("rules");
    assert_eq!((profile.name.as_str(), profile.participation), ("mine", 200_000_000));
    assert_eq!(rules.command_latency.mean_ns, 1_500_000);
    assert_eq!(rules.command_latency.most_ns, 50_000_000);
    assert_eq!(rules.event_latency.model, LatencyModel::Constant);
    assert_eq!(rules.factors[0].factor, 2_500_000_000);
    assert_eq!((rules.path, rules.bar_through), (PathModel::HighFirst, false));
    assert_eq!(text::from_text(&text::text_of(&profile)), Ok(profile));
}

#[test]
fn nonsense_is_named() {
    for (given, wanted) in [
        (r#""heavenly""#, "there is no profile"),
        (r#"{"preset":"heavenly"}"#, "there is no profile"),
        (r#"{"name":"x"}"#, "spread_ticks is missing"),
        (r#"{"preset":"realistic","queue":"first"}"#, "queue must be one of touch,"),
        (r#"{"preset":"realistic","factors":[{"phase":"lunch"}]}"#, "phase must be one of"),
        (
            r#"{"preset":"realistic","command_latency":{"least_ms":"5","most_ms":"1"}}"#,
            "command_latency.least_ms is more",
        ),
        (r#"{"preset":"realistic","command_latency":7}"#, "command_latency: settings must be"),
    ] {
        let value = parse(given.as_bytes()).expect("JSON");
        let why = text::read(&value).expect_err(given);
        assert!(why.contains(wanted), "{why}");
    }
}
