//! Images as `images` lists them: a row for each name of each image.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::container::short;
use super::{Fields, size};
use crate::format::reference::Reference;
use crate::format::table::{Column, Kind, Style};
use crate::format::{time, units};

const NONE: &str = "<none>";

const TABLE: &str = "table {{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{if .CreatedSince }}{{.CreatedSince}}{{else}}N/A{{end}}\t{{.Size}}";
const TABLE_WITH_DIGEST: &str = "table {{.Repository}}\t{{.Tag}}\t{{.Digest}}\t{{.ID}}\t{{if .CreatedSince }}{{.CreatedSince}}{{else}}N/A{{end}}\t{{.Size}}";
const RAW: &str = "repository: {{ .Repository }}
tag: {{.Tag}}
image_id: {{.ID}}
created_at: {{.CreatedAt}}
virtual_size: {{.Size}}
";
const RAW_WITH_DIGEST: &str = "repository: {{ .Repository }}
tag: {{.Tag}}
digest: {{.Digest}}
image_id: {{.ID}}
created_at: {{.CreatedAt}}
virtual_size: {{.Size}}
";

/// The format behind what the user chose.
pub(crate) fn format(source: &str, quiet: bool, digest: bool) -> String {
    match source {
        "table" if quiet => "{{.ID}}".into(),
        "table" if digest => TABLE_WITH_DIGEST.into(),
        "table" => TABLE.into(),
        "raw" if quiet => "image_id: {{.ID}}".into(),
        "raw" if digest => RAW_WITH_DIGEST.into(),
        "raw" => RAW.into(),
        other if other.starts_with("table") && digest && !other.contains("{{.Digest}}") => {
            format!("{other}\t{{{{.Digest}}}}")
        }
        other => other.into(),
    }
}

/// One name of an image.
pub(crate) struct NamedImage {
    /// The row of `GET /images/json`.
    pub(crate) image: Json,
    /// The repository, or `<none>`.
    pub(crate) repository: String,
    /// The tag, or `<none>`.
    pub(crate) tag: String,
    /// The digest, `<none>`, or nothing.
    pub(crate) digest: String,
}

impl NamedImage {
    /// A row for an image without a name.
    fn nameless(image: &Json) -> Self {
        Self::new(image, NONE, NONE, NONE)
    }

    fn new(image: &Json, repository: &str, tag: &str, digest: &str) -> Self {
        Self { image: image.clone(), repository: repository.into(), tag: tag.into(), digest: digest.into() }
    }

    /// The row that disk usage shows: the image's first tag.
    pub(crate) fn first_tag(image: &Json) -> Option<Self> {
        let tags = image.texts("RepoTags");
        if tags.is_empty() || is_dangling(image) {
            return Some(Self::new(image, NONE, NONE, ""));
        }
        let reference = Reference::parse(tags[0])?;
        Some(match &reference.tag {
            Some(tag) => Self::new(image, &reference.familiar_name(), tag, ""),
            None => Self::new(image, NONE, NONE, ""),
        })
    }
}

/// Whether an image has no name at all.
pub(crate) fn is_dangling(image: &Json) -> bool {
    let (tags, digests) = (image.texts("RepoTags"), image.texts("RepoDigests"));
    (tags.is_empty() && digests.is_empty()) || (tags == ["<none>:<none>"] && digests == ["<none>@<none>"])
}

/// The rows for an image. `digests` says whether a row is made for each digest.
pub(crate) fn rows(image: &Json, need_digest: bool, digest_rows: bool) -> Vec<NamedImage> {
    if is_dangling(image) {
        return vec![NamedImage::nameless(image)];
    }
    let mut tags: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut digests: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for reference in image.texts("RepoTags").into_iter().filter_map(Reference::parse) {
        if let Some(tag) = &reference.tag {
            tags.entry(reference.familiar_name()).or_default().push(tag.clone());
        }
    }
    for reference in image.texts("RepoDigests").into_iter().filter_map(Reference::parse) {
        if let Some(digest) = &reference.digest {
            digests.entry(reference.familiar_name()).or_default().push(digest.clone());
        }
    }
    let mut rows = Vec::new();
    for (repository, tags) in &tags {
        let known = digests.remove(repository).filter(|_| need_digest).unwrap_or_default();
        for tag in tags {
            if known.is_empty() {
                rows.push(NamedImage::new(image, repository, tag, NONE));
            }
            rows.extend(known.iter().map(|digest| NamedImage::new(image, repository, tag, digest)));
        }
    }
    for (repository, digests) in &digests {
        if digest_rows {
            rows.extend(digests.iter().map(|digest| NamedImage::new(image, repository, NONE, digest)));
        } else {
            rows.push(NamedImage::new(image, repository, NONE, ""));
        }
    }
    rows
}

/// A row of `images`.
pub(crate) static IMAGE: Kind<NamedImage> = Kind {
    type_name: "*formatter.imageContext",
    columns: &[
        Column {
            name: "ID",
            title: Some("IMAGE ID"),
            value: |item, style: Style| short(item.image.text("Id"), style),
        },
        Column {
            name: "Repository",
            title: Some("REPOSITORY"),
            value: |item, _| item.repository.as_str().into(),
        },
        Column { name: "Tag", title: Some("TAG"), value: |item, _| item.tag.as_str().into() },
        Column { name: "Digest", title: Some("DIGEST"), value: |item, _| item.digest.as_str().into() },
        Column {
            name: "CreatedSince",
            title: Some("CREATED"),
            value: |item, _| created_since(item.image.int("Created")).into(),
        },
        Column {
            name: "CreatedAt",
            title: Some("CREATED AT"),
            value: |item, _| time::go_string(item.image.int("Created")).into(),
        },
        Column {
            name: "Size",
            title: Some("SIZE"),
            value: |item, _| units::human_size_with_precision(size(item.image.int("Size")), 3).into(),
        },
        Column {
            name: "Containers",
            title: Some("CONTAINERS"),
            value: |item, _| match item.image.int("Containers") {
                -1 => "N/A".into(),
                count => count.to_string().into(),
            },
        },
        Column {
            name: "VirtualSize",
            title: Some("SIZE"),
            value: |item, _| units::human_size(size(item.image.int("Size"))).into(),
        },
        Column {
            name: "SharedSize",
            title: Some("SHARED SIZE"),
            value: |item, _| match item.image.int("SharedSize") {
                -1 => "N/A".into(),
                shared => units::human_size(size(shared)).into(),
            },
        },
        Column {
            name: "UniqueSize",
            title: Some("UNIQUE SIZE"),
            value: |item, _| match (item.image.int("Size"), item.image.int("SharedSize")) {
                (-1, _) | (_, -1) => "N/A".into(),
                (total, shared) => units::human_size(size(total - shared)).into(),
            },
        },
    ],
    label: None,
};

/// How long ago; nothing for Go's zero time, which an image without a date has.
fn created_since(seconds: i64) -> String {
    if seconds == -62_135_596_800 { String::new() } else { format!("{} ago", time::since(seconds)) }
}
