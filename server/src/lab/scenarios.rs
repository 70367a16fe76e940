//! The scenarios that come with pushlab, carried within the binary: the page lists them, and the
//! generator runs them by their names. A name is looked up here and nowhere else; it is never a path.
//! What a scenario means is loadgen's to say: only its title is read. A debug build reads the files from
//! the source tree each time.

use super::door;
use crate::problems::Refusal;
use actix_web::{HttpRequest, HttpResponse};
use rust_embed::RustEmbed;
use serde::{Deserialize, Serialize};

#[derive(RustEmbed)]
#[folder = "../scenarios"]
struct Files;

/// A scenario as the page lists it.
#[derive(Debug, PartialEq, Serialize)]
pub struct Listed {
    /// Its file without `.toml`, such as `lessons/l12-held-memory`.
    name: String,
    title: String,
    /// The comment that it begins with.
    description: String,
}

#[derive(Default, Deserialize)]
struct Titled {
    #[serde(default)]
    title: String,
}

/// `GET /lab/scenarios`
pub async fn list(request: HttpRequest) -> Result<HttpResponse, Refusal> {
    door::visitor(&request)?;
    Ok(HttpResponse::Ok()
        .insert_header(("cache-control", "no-store"))
        .json(shipped()))
}

/// All of them, by name.
pub fn shipped() -> Vec<Listed> {
    let mut shipped: Vec<Listed> = Files::iter()
        .filter_map(|file| {
            let name = file.strip_suffix(".toml")?;
            Some(listed(name, &text(name)?))
        })
        .collect();
    shipped.sort_by(|one, other| one.name.cmp(&other.name));
    shipped
}

/// The TOML of the scenario that is called so.
pub fn text(name: &str) -> Option<String> {
    let file = format!("{name}.toml");
    // A debug build would look the name up on disk.
    let known = Files::iter().any(|known| known == file);
    let bytes = known.then(|| Files::get(&file))??.data;
    String::from_utf8(bytes.into_owned()).ok()
}

fn listed(name: &str, text: &str) -> Listed {
    let titled = toml::from_str::<Titled>(text).unwrap_or_default();
    let comment: Vec<&str> = text
        .lines()
        .take_while(|line| line.starts_with('#'))
        .filter(|line| !line.starts_with("#:"))
        .map(|line| line.trim_start_matches('#').trim())
        .collect();
    Listed {
        name: name.to_owned(),
        title: match titled.title.is_empty() {
            true => name.to_owned(),
            false => titled.title,
        },
        description: comment.join(" ").trim().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_scenarios_of_the_source_tree_are_there_with_titles() {
        let shipped = shipped();
        let ticker = shipped.iter().find(|one| one.name == "ticker").unwrap();
        assert_eq!(ticker.title, "A price ticker");
        assert!(ticker.description.starts_with("One source, everybody"));
        assert!(text("ticker").unwrap().contains("name = \"ticker\""));
        assert!(shipped.iter().all(|one| one.title != one.name));
    }

    #[test]
    fn a_name_is_no_path() {
        for name in [
            "",
            "..",
            "../Cargo",
            "../scenarios/ticker",
            "./ticker",
            "lessons/../ticker",
            "/etc/passwd",
            "ticker.toml",
            "ticker\0",
            "scenario.schema",
        ] {
            assert_eq!(text(name), None, "{name:?}");
        }
    }

    #[test]
    fn the_comment_above_is_the_description() {
        let found = listed(
            "x",
            "#:schema ./s.json\n# One.\n#\n# 二 <b>\nname = \"x\"\n# no more\ntitle = \"峡谷\"\n",
        );
        assert_eq!(
            (&*found.title, &*found.description),
            ("峡谷", "One.  二 <b>")
        );
        assert_eq!(listed("x", "not = toml = ").title, "x");
    }
}
