//! The shipped dashboard: Grafana can load it, Prometheus accepts its queries, and it shows every metric.
use std::collections::HashSet;
use std::path::Path;

use serde_json::{Value, json};

use crate::alerts::{HISTOGRAMS, METRICS, promtool, text, unknown_metrics};

const DASHBOARD: &str = "grafana.json";

fn dashboard() -> Value {
    serde_json::from_str(&text(DASHBOARD)).expect("JSON")
}

/// Its panels, without the rows.
fn panels() -> Vec<Value> {
    let panels = dashboard()["panels"].as_array().expect("panels").clone();
    panels.into_iter().filter(|panel| panel["type"] != "row").collect()
}

/// The queries of all panels, with Grafana's variables replaced.
fn expressions() -> Vec<String> {
    let targets =
        panels().into_iter().flat_map(|panel| panel["targets"].as_array().expect("targets").clone());
    let asked = |expression: &str| {
        let chosen = [("$__rate_interval", "5m"), ("$instance", ".*"), ("$pool", "a|b")];
        chosen.iter().fold(expression.to_owned(), |text, (name, value)| text.replace(name, value))
    };
    targets.map(|target| asked(target["expr"].as_str().expect("an expression"))).collect()
}

#[test]
fn prometheus_accepts_every_query() {
    let expressions = expressions();
    let rule =
        |(number, expr): (usize, &String)| json!({"record": format!("dashboard:{number}"), "expr": expr});
    let rules: Vec<_> = expressions.iter().enumerate().map(rule).collect();
    let file = json!({"groups": [{"name": "dashboard", "rules": rules}]});
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-rules.yaml", std::process::id()));
    std::fs::write(&path, file.to_string()).expect("a file of our own");

    let shown = promtool("check", &path);

    assert!(shown.contains(&format!("SUCCESS: {} rules found", expressions.len())), "{shown}");
    for expression in expressions {
        assert!(!expression.contains('$'), "an unknown variable: {expression}");
    }
}

#[test]
fn the_dashboard_shows_exactly_the_existing_metrics() {
    let text = expressions().join("\n");
    let shown: HashSet<_> = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();

    assert_eq!(unknown_metrics(&self::text(DASHBOARD)), [""; 0]);
    for name in METRICS {
        assert!(shown.contains(name), "{name}");
    }
    for name in HISTOGRAMS {
        assert!(shown.contains(&*format!("{name}_bucket")), "{name}");
    }
}

#[test]
fn data_source_servers_and_pools_can_be_selected() {
    let dashboard = dashboard();
    let [source, instance, pool] = &dashboard["templating"]["list"].as_array().expect("variables")[..] else {
        panic!("{dashboard}")
    };

    assert_eq!((&source["name"], &source["type"]), (&json!("datasource"), &json!("datasource")));
    for (variable, name) in [(instance, "instance"), (pool, "pool")] {
        assert_eq!((&variable["name"], &variable["multi"]), (&json!(name), &json!(true)));
    }
    let chosen = json!({"type": "prometheus", "uid": "${datasource}"});
    for asks in panels().iter().chain([instance, pool]) {
        assert_eq!(asks["datasource"], chosen, "{}", asks["title"]);
    }
}

#[test]
fn panels_have_titles_unique_ids_and_do_not_overlap() {
    let (mut numbers, mut taken) = (HashSet::new(), HashSet::new());
    for panel in dashboard()["panels"].as_array().expect("panels") {
        let [x, y, width, height] =
            ["x", "y", "w", "h"].map(|key| panel["gridPos"][key].as_u64().expect("a length"));
        assert!(panel["title"].as_str().is_some_and(|title| !title.is_empty()));
        assert!(numbers.insert(panel["id"].as_u64()), "{}", panel["title"]);
        for place in (x..x + width).flat_map(|x| (y..y + height).map(move |y| (x, y))) {
            assert!(place.0 < 24 && taken.insert(place), "{} covers another", panel["title"]);
        }
    }
}
