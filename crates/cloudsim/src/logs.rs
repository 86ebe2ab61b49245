//! The output of containers, as CloudWatch Logs would hold it.

use std::path::PathBuf;

use crate::cloud::Cloud;

/// Longest output that is kept of a container that is gone, in bytes.
const KEPT: usize = 4 << 20;

/// Takes the engine's multiplexed stream with times apart, in order of time.
pub(crate) fn lines(stream: &[u8]) -> Vec<(i64, String)> {
    let mut plain = Vec::new();
    let mut rest = stream;
    // Without a terminal each piece has a head: stream, three zeros, length.
    while let [0..=2, 0, 0, 0, a, b, c, d, after @ ..] = rest {
        let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
        let (piece, left) = after.split_at(length.min(after.len()));
        plain.extend_from_slice(piece);
        rest = left;
    }
    plain.extend_from_slice(rest);
    let text = String::from_utf8_lossy(&plain);
    let line = |line: &str| {
        let (time, message) = line.split_once(' ').unwrap_or((line, ""));
        let time: jiff::Timestamp = time.parse().ok()?;
        Some((time.as_millisecond(), message.trim_end_matches('\r').to_owned()))
    };
    let mut lines: Vec<_> = text.lines().filter_map(line).collect();
    lines.sort_by_key(|(time, _)| *time);
    lines
}

/// Where the output of a container that is gone is kept.
fn archive(cloud: &Cloud, region: &str, group: &str, stream: &str) -> PathBuf {
    let name = |text: &str| hex::encode(text);
    cloud.folder.join("logs").join(region).join(name(group)).join(name(stream))
}

/// Keeps the output of a container that is about to be removed.
pub(crate) async fn keep(cloud: &Cloud, region: &str, group: &str, stream: &str, container: &str) {
    let Ok(lines) = cloud.engine.output(container, 0).await else { return };
    let mut text = String::new();
    for (time, line) in lines {
        text.push_str(&format!("{time} {line}\n"));
    }
    let from =
        (text.len().saturating_sub(KEPT)..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let path = archive(cloud, region, group, stream);
    let made = path.parent().map_or(Ok(()), std::fs::create_dir_all);
    if let Err(error) = made.and_then(|()| std::fs::write(&path, &text[from..])) {
        tracing::warn!(%error, "the output of a stopped task is lost");
    }
}

/// The output that was kept of a container that is gone.
pub(crate) fn kept(cloud: &Cloud, region: &str, group: &str, stream: &str) -> Vec<(i64, String)> {
    let text = std::fs::read_to_string(archive(cloud, region, group, stream)).unwrap_or_default();
    let line = |line: &str| {
        let (time, message) = line.split_once(' ')?;
        Some((time.parse().ok()?, message.to_owned()))
    };
    text.lines().filter_map(line).collect()
}

/// Forgets a group's kept output.
pub(crate) fn forget(cloud: &Cloud, region: &str, group: &str) {
    // A group without output has no folder.
    let _ = std::fs::remove_dir_all(cloud.folder.join("logs").join(region).join(hex::encode(group)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_joined_and_lines_get_their_times() {
        let piece = |text: &str| {
            let mut piece = vec![1, 0, 0, 0, 0, 0, 0, u8::try_from(text.len()).unwrap()];
            piece.extend(text.bytes());
            piece
        };
        let stream = [piece("1970-01-01T00:00:02.5Z b c\n"), piece("1970-01-01T00:00:01Z a\n")].concat();
        assert_eq!(lines(&stream), [(1000, "a".into()), (2500, "b c".into())]);
    }
}
