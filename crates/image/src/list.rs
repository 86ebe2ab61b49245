//! Lists of images: `docker images` and its filters, history, disk usage.

use crate::changes::duration;
use crate::error::{ImageError, Result};
use crate::image::{Image, nanoseconds, now};
use crate::reference::Reference;
use crate::store::{Names, State, Store, names_in};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// Filters by name, as Docker's API has them.
pub type Filters = BTreeMap<String, Vec<String>>;

/// One image of a list.
#[derive(Debug, Clone)]
pub struct Summary {
    /// The image.
    pub image: Arc<Image>,
    /// Its names; with a `reference` filter only those that match.
    pub names: Names,
    /// Bytes of its layers that other images use too; only in [`Store::disk_usage`], else -1.
    pub shared_size: i64,
}

/// One row of `docker history`, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryRow {
    /// The image's id in the row of an image that is stored here, else `<missing>`.
    pub id: String,
    /// Seconds since 1970.
    pub created: i64,
    /// The command.
    pub created_by: String,
    /// Tags of that image.
    pub tags: Vec<String>,
    /// Bytes of the layer's files; 0 for a step without one.
    pub size: u64,
    /// The message.
    pub comment: String,
}

/// What images take on the disk.
#[derive(Debug, Clone)]
pub struct DiskUsage {
    /// Bytes of all layers, each once.
    pub layers_size: u64,
    /// All images with the bytes that they share.
    pub images: Vec<Summary>,
}

impl Store {
    /// The images of `docker images`, newest first. Without `all`, images that only serve as parents of
    /// others are left out. Known filters: dangling, reference, before, since, label, label!, until.
    ///
    /// # Errors
    /// `InvalidArgument` for an unknown filter or a bad value; `NotFound` for an image in a filter.
    pub fn list(&self, all: bool, filters: &Filters) -> Result<Vec<Summary>> {
        let wanted = Wanted::parse(self, filters)?;
        let state = self.state();
        let parents: HashSet<&str> =
            state.images.values().filter_map(|image| image.parent.as_deref()).collect();
        let mut found = Vec::new();
        for image in state.images.values() {
            let mut names = names_in(&state, &image.id);
            let untagged = names.tags.is_empty() && names.digests.is_empty();
            let is_parent = parents.contains(image.id.as_str());
            if untagged && (is_parent || image.step) && (!all || wanted.dangling == Some(true)) {
                continue;
            }
            if wanted.dangling.is_some_and(|dangling| dangling != names.tags.is_empty())
                || !wanted.fits(image)
            {
                continue;
            }
            if !wanted.references.is_empty() {
                names.tags.retain(|name| wanted.names(name));
                names.digests.retain(|name| wanted.names(name));
                if names.tags.is_empty() && names.digests.is_empty() {
                    continue;
                }
            }
            found.push(Summary { image: Arc::clone(image), names, shared_size: -1 });
        }
        found.sort_by(|a, b| {
            b.image.created_at.cmp(&a.image.created_at).then_with(|| a.image.id.cmp(&b.image.id))
        });
        Ok(found)
    }

    /// The steps that made an image, newest first.
    ///
    /// # Errors
    /// Those of [`Store::find`].
    pub fn history(&self, name: &str) -> Result<Vec<HistoryRow>> {
        let image = self.find(name)?;
        let state = self.state();
        let mut rows = Vec::new();
        let mut sizes = image.layer_sizes.iter();
        for step in &image.history {
            let size = if step.empty_layer { 0 } else { sizes.next().copied().unwrap_or(0) };
            rows.push(HistoryRow {
                id: "<missing>".to_owned(),
                created: step.created.as_deref().map_or(0, nanoseconds).div_euclid(1_000_000_000),
                created_by: step.created_by.clone(),
                tags: Vec::new(),
                size,
                comment: step.comment.clone(),
            });
        }
        rows.reverse();
        if rows.is_empty() {
            let created = image.created_at.div_euclid(1_000_000_000);
            rows.push(HistoryRow {
                id: String::new(),
                created,
                created_by: String::new(),
                tags: Vec::new(),
                size: image.size,
                comment: image.comment.clone(),
            });
        }
        // The image itself, and those below it that are known here, stand at their own steps.
        let mut row = 0;
        let mut next = Some(Arc::clone(&image));
        while let Some(image) = next.take() {
            let Some(place) = rows.get_mut(row) else { break };
            place.id.clone_from(&image.id);
            place.tags = names_in(&state, &image.id).tags;
            next = image.parent.as_ref().and_then(|parent| state.images.get(parent)).cloned();
            if let Some(parent) = &next {
                row += image.history.len().saturating_sub(parent.history.len()).max(1);
            }
        }
        Ok(rows)
    }

    /// What the images take on the disk. Layers are counted once.
    pub fn disk_usage(&self) -> DiskUsage {
        let state = self.state();
        let mut users: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
        for image in state.images.values() {
            for (layer, size) in image.chain_ids.iter().zip(&image.layer_sizes) {
                users.entry(layer).or_insert((0, *size)).0 += 1;
            }
        }
        let shared = |image: &Image| -> u64 {
            let layers = image.chain_ids.iter().zip(&image.layer_sizes);
            layers
                .filter(|(layer, _)| users.get(layer.as_str()).is_some_and(|(count, _)| *count > 1))
                .map(|(_, s)| *s)
                .sum()
        };
        let images = state
            .images
            .values()
            .map(|image| Summary {
                image: Arc::clone(image),
                names: names_in(&state, &image.id),
                shared_size: i64::try_from(shared(image)).unwrap_or(i64::MAX),
            })
            .collect();
        DiskUsage { layers_size: users.values().map(|(_, size)| *size).sum(), images }
    }

    /// Whether another image was made from this one here.
    pub(crate) fn has_children(state: &State, id: &str) -> bool {
        state.images.values().any(|image| image.parent.as_deref() == Some(id))
    }
}

/// Filters in a form that is quick to ask.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    pub(crate) dangling: Option<bool>,
    references: Vec<String>,
    labels: Vec<String>,
    without_labels: Vec<String>,
    before: Option<i64>,
    since: Option<i64>,
    until: Option<i64>,
}

impl Wanted {
    pub(crate) fn parse(store: &Store, filters: &Filters) -> Result<Self> {
        let mut wanted = Self::default();
        for (name, values) in filters {
            match name.as_str() {
                "dangling" => {
                    for value in values {
                        wanted.dangling = Some(boolean(value)?);
                    }
                }
                "reference" => wanted.references.extend(values.iter().cloned()),
                "label" => wanted.labels.extend(values.iter().cloned()),
                "label!" => wanted.without_labels.extend(values.iter().cloned()),
                "before" => {
                    for value in values {
                        let created = store.find(value)?.created_at;
                        wanted.before = Some(wanted.before.map_or(created, |known| known.min(created)));
                    }
                }
                "since" => {
                    for value in values {
                        let created = store.find(value)?.created_at;
                        wanted.since = Some(wanted.since.map_or(created, |known| known.max(created)));
                    }
                }
                "until" => {
                    for value in values {
                        wanted.until = Some(moment(value)?);
                    }
                }
                other => return Err(ImageError::Invalid(format!("invalid filter '{other}'"))),
            }
        }
        for pattern in &wanted.references {
            glob(pattern, "").ok_or_else(|| {
                ImageError::Invalid(format!("invalid reference filter {pattern:?}: syntax error in pattern"))
            })?;
        }
        Ok(wanted)
    }

    pub(crate) fn fits(&self, image: &Image) -> bool {
        let labelled = |wanted: &String| match wanted.split_once('=') {
            Some((name, value)) => image.config.labels.get(name).is_some_and(|found| found == value),
            None => image.config.labels.contains_key(wanted),
        };
        self.labels.iter().all(labelled)
            && !self.without_labels.iter().any(labelled)
            && self.before.is_none_or(|before| image.created_at < before)
            && self.since.is_none_or(|since| image.created_at > since)
            && self.until.is_none_or(|until| image.created_at < until)
    }

    /// Whether a familiar name fits a `reference` filter: as a whole, or without tag and digest.
    fn names(&self, name: &str) -> bool {
        let bare = Reference::parse(name).map(|reference| reference.familiar_name()).unwrap_or_default();
        self.references
            .iter()
            .any(|pattern| glob(pattern, name) == Some(true) || glob(pattern, &bare) == Some(true))
    }
}

fn boolean(text: &str) -> Result<bool> {
    match text {
        "1" | "true" | "True" | "TRUE" | "t" | "T" => Ok(true),
        "0" | "false" | "False" | "FALSE" | "f" | "F" => Ok(false),
        other => Err(ImageError::Invalid(format!("invalid filter 'dangling={other}'"))),
    }
}

/// A moment: RFC 3339, a date, seconds since 1970, or a duration before now. In nanoseconds since 1970.
fn moment(text: &str) -> Result<i64> {
    if let Ok(ago) = duration(text) {
        return Ok(now() - ago);
    }
    if let Some(seconds) = text.split('.').next().and_then(|seconds| seconds.parse::<i64>().ok()) {
        return Ok(seconds.saturating_mul(1_000_000_000));
    }
    let complete = [text.to_owned(), format!("{text}Z"), format!("{text}:00Z"), format!("{text}T00:00:00Z")];
    complete
        .iter()
        .find_map(|text| text.parse::<jiff::Timestamp>().ok())
        .and_then(|time| i64::try_from(time.as_nanosecond()).ok())
        .ok_or_else(|| ImageError::Invalid(format!("failed to parse {text:?} as a time or a duration")))
}

/// Go's `path.Match`: `*` and `?` do not match a slash, `[a-z]` and `[^a]` are classes, a backslash
/// takes the next character as it is. `None` for a bad pattern.
fn glob(pattern: &str, text: &str) -> Option<bool> {
    let pattern: Vec<char> = pattern.chars().collect();
    check_glob(&pattern)?;
    let text: Vec<char> = text.chars().collect();
    Some(matches(&pattern, &text))
}

fn check_glob(pattern: &[char]) -> Option<()> {
    let mut index = 0;
    while index < pattern.len() {
        match pattern[index] {
            '\\' => {
                pattern.get(index + 1)?;
                index += 1;
            }
            '[' => index += class_end(&pattern[index..])?,
            _ => {}
        }
        index += 1;
    }
    Some(())
}

/// Index of the closing bracket.
fn class_end(pattern: &[char]) -> Option<usize> {
    let first = if pattern.get(1) == Some(&'^') { 2 } else { 1 };
    (first + 1..pattern.len()).find(|index| pattern[*index] == ']')
}

/// With one point to come back to (the last star), so that time is bounded by the product of lengths.
fn matches(pattern: &[char], text: &[char]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        let step = match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
                continue;
            }
            Some('?') if text[t] != '/' => Some(1),
            Some('[') => class_end(&pattern[p..])
                .filter(|end| in_class(&pattern[p + 1..p + end], text[t]))
                .map(|end| end + 1),
            Some('\\') => (pattern.get(p + 1) == Some(&text[t])).then_some(2),
            Some('?') | None => None,
            Some(literal) => (*literal == text[t]).then_some(1),
        };
        match (step, star) {
            (Some(step), _) => {
                p += step;
                t += 1;
            }
            (None, Some((at, from))) if text[from] != '/' => {
                star = Some((at, from + 1));
                p = at + 1;
                t = from + 1;
            }
            _ => return false,
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

fn in_class(class: &[char], c: char) -> bool {
    let (negated, class) = match class {
        ['^', rest @ ..] => (true, rest),
        all => (false, all),
    };
    let mut found = false;
    let mut index = 0;
    while index < class.len() {
        if class.get(index + 1) == Some(&'-') && index + 2 < class.len() {
            found |= (class[index]..=class[index + 2]).contains(&c);
            index += 3;
        } else {
            found |= class[index] == c;
            index += 1;
        }
    }
    found != negated
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_as_in_go() {
        for (pattern, text, fits) in [
            ("busybox", "busybox", true),
            ("busy*", "busybox:latest", true),
            ("*", "a/b", false),
            ("*/*", "a/b", true),
            ("b?sy*", "busy", true),
            ("[a-c]x", "bx", true),
            ("[^a]x", "ax", false),
            ("a*b*c", "aXbYbc", true),
            ("*:1.*", "x:1.36", true),
            ("a\\*", "a*", true),
            ("", "", true),
            ("**", "abc", true),
        ] {
            assert_eq!(glob(pattern, text), Some(fits), "{pattern} {text}");
        }
        assert_eq!(glob("[a", "a"), None);
        assert_eq!(glob("a\\", "a"), None);
    }

    #[test]
    fn moments() {
        assert_eq!(moment("1").unwrap(), 1_000_000_000);
        assert_eq!(moment("1970-01-01T00:00:02Z").unwrap(), 2_000_000_000);
        assert_eq!(moment("1970-01-02").unwrap(), 86_400_000_000_000);
        assert!(moment("1h").unwrap() < now());
        assert!(moment("nonsense").is_err());
    }
}
