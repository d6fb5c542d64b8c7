//! Links and paths in the documents: each leads somewhere.

use std::path::Path;

use super::{
    blocks::{document, documents},
    tables::quoted,
};

/// Root of the repository.
const ROOT: &str = env!("CARGO_MANIFEST_DIR");

#[test]
fn links_between_documents_lead_somewhere() {
    for path in documents() {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let text = document(&path);
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            if file.starts_with("http") {
                continue;
            }
            let linked = if file.is_empty() { path.clone() } else { resolved(folder, file) };
            let full = Path::new(ROOT).join(&linked);
            assert!(full.exists(), "{path} links to {linked}");
            if !anchor.is_empty() {
                let headings = document(&linked);
                let is_there =
                    headings.lines().filter(|line| line.starts_with('#')).any(|line| slug(line) == anchor);
                assert!(is_there, "{path} links to {linked}#{anchor}");
            }
        }
    }
}

/// A path relative to a folder of the repository.
fn resolved(folder: &str, file: &str) -> String {
    match file.strip_prefix("../") {
        Some(file) => file.to_owned(),
        None if folder.is_empty() => file.to_owned(),
        None => format!("{folder}/{file}"),
    }
}

/// The anchor of a heading, as GitHub makes it.
fn slug(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text.chars().filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[test]
fn paths_in_the_architecture_exist() {
    let text = document("docs/architecture.md");
    let is_path =
        |word: &&str| word.contains(['/', '.']) && !word.starts_with(['/', '.']) && !word.contains(' ');
    let paths: Vec<_> = quoted(&text).into_iter().filter(is_path).collect();

    let missing: Vec<_> = paths.iter().filter(|path| !Path::new(ROOT).join(path).exists()).collect();

    assert!(paths.len() > 50, "{paths:?}");
    assert!(missing.is_empty(), "{missing:?}");
}
