//! `docker images --tree`: images with the platforms they hold.

use serde_json::Value as Json;

use crate::format::objects::image::is_dangling;
use crate::format::objects::{Fields, size};
use crate::format::{text, units};

/// The spaces between columns.
const SPACING: usize = 3;
/// The width of the page when stdout is no terminal.
const PAGE: usize = 80;

struct Line {
    name: String,
    details: Option<[String; 4]>,
}

/// The whole tree.
pub(super) fn render(images: &[Json]) -> String {
    let mut images: Vec<&Json> = images.iter().filter(|image| !is_dangling(image)).collect();
    images.sort_by_key(|image| std::cmp::Reverse(image.int("Created")));
    let spaced = images.iter().any(|image| !platforms(image).is_empty());
    let chips = images.iter().flat_map(|image| platforms(image)).any(in_use);
    let mut lines: Vec<Line> = Vec::new();
    for image in &images {
        lines.extend(image_lines(image, chips, spaced));
    }
    let legend = " Info ->  U In Use ";
    let mut out = String::from(
        "WARNING: This is an experimental feature. The output may change and shouldn't be depended on.\n",
    );
    out.push_str(&format!("{legend:>PAGE$}\n\n"));
    let widest = lines.iter().map(|line| line.name.len()).max().unwrap_or(0).max("Image".len());
    let width = widest.min(PAGE - 12 - 10 - 12 - 5 - 4 * SPACING);
    out.push_str(&heading(width));
    for line in &lines {
        match &line.details {
            Some(details) => out.push_str(&row(&line.name, details, width)),
            None => out.push_str(&format!("{}\n", line.name)),
        }
    }
    out
}

/// The titles are set off by control sequences even where stdout is a file, as Docker's are.
fn heading(width: usize) -> String {
    let mut line = String::new();
    for (title, width, right) in [
        ("IMAGE", width, false),
        ("ID", 12, false),
        ("DISK USAGE", 10, true),
        ("CONTENT SIZE", 12, true),
        ("EXTRA", 5, false),
    ] {
        if !line.is_empty() {
            line.push_str(&" ".repeat(SPACING));
        }
        let (painted, fill) = (format!("\x1b[39m\x1b[1m{title}\x1b[0m"), " ".repeat(width - title.len()));
        line.push_str(&if right { fill + &painted } else { painted + &fill });
    }
    line + "\n"
}

fn row(name: &str, details: &[String; 4], width: usize) -> String {
    let name = text::ellipsis(name, width);
    let gap = " ".repeat(SPACING);
    let [id, disk, content, extra] = details;
    format!("{name:width$}{gap}{id:12}{gap}{disk:>10}{gap}{content:>12}{gap}{extra:5}\n")
}

fn image_lines(image: &Json, chips: bool, spaced: bool) -> Vec<Line> {
    let manifests = image.list("Manifests");
    let children = platforms(image);
    let content: i64 = manifests.iter().map(|manifest| manifest.field("Size").int("Content")).sum();
    let used = image.int("Containers") > 0 || children.iter().copied().any(in_use);
    let details = [
        text::short_id(image.text("Id")).to_string(),
        units::human_size_with_precision(size(image.int("Size")), 3),
        units::human_size_with_precision(size(content), 3),
        chip(chips, used),
    ];
    let mut names = image.texts("RepoTags");
    names.sort_by_key(|name| std::cmp::Reverse(name.len()));
    let last = names.pop().unwrap_or("<untagged>").to_string();
    let mut lines: Vec<Line> =
        names.into_iter().map(|name| Line { name: name.into(), details: None }).collect();
    lines.push(Line { name: last, details: Some(details) });
    for (index, child) in children.iter().enumerate() {
        let branch = if index + 1 == children.len() { "└─" } else { "├─" };
        let platform = child.field("ImageData").field("Platform");
        let parts = [platform.text("os"), platform.text("architecture"), platform.text("variant")];
        let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        let details = [
            text::short_id(child.text("ID")).to_string(),
            units::human_size_with_precision(size(child.field("Size").int("Total")), 3),
            units::human_size_with_precision(size(child.field("Size").int("Content")), 3),
            chip(chips, in_use(child)),
        ];
        lines.push(Line { name: format!("{branch} {}", parts.join("/")), details: Some(details) });
    }
    if spaced {
        lines.push(Line { name: String::new(), details: None });
    }
    lines
}

fn chip(shown: bool, used: bool) -> String {
    if shown && used { "U".into() } else { String::new() }
}

fn platforms(image: &Json) -> Vec<&Json> {
    image.list("Manifests").iter().filter(|manifest| manifest.text("Kind") == "image").collect()
}

fn in_use(manifest: &Json) -> bool {
    !manifest.field("ImageData").list("Containers").is_empty()
}
