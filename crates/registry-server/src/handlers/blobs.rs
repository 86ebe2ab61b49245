//! Blobs: asked for, fetched whole or in part, deleted.

use std::io::{Seek, SeekFrom};

use hyper::header::{ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, RANGE};
use hyper::{Method, StatusCode};
use tokio::io::AsyncReadExt;

use crate::answer::{Answer, DIGEST, empty, set, stream};
use crate::failure::{Failure, Result};
use crate::request::Request;

/// `GET` and `HEAD /v2/<name>/blobs/<digest>`
pub(super) async fn get(request: Request, name: String, digest: String) -> Result<Answer> {
    let wanted = digest.clone();
    let (mut file, size) = request
        .blocking(move |store| {
            let file = store.blob(&name, &wanted)?;
            let size = file.metadata()?.len();
            Ok((file, size))
        })
        .await?;
    let (first, length, status) = match request.header(&RANGE).map(|text| range(text, size)) {
        None | Some(Wanted::Whole) => (0, size, StatusCode::OK),
        Some(Wanted::Part(first, length)) => (first, length, StatusCode::PARTIAL_CONTENT),
        Some(Wanted::Nothing) => return Err(Failure::RangeInvalid(size)),
    };
    let mut answer = if request.method == Method::HEAD {
        empty(status)
    } else {
        file.seek(SeekFrom::Start(first))?;
        stream(status, tokio::fs::File::from_std(file).take(length))
    };
    set(&mut answer, CONTENT_LENGTH, length.to_string());
    set(&mut answer, CONTENT_TYPE, "application/octet-stream");
    set(&mut answer, ACCEPT_RANGES, "bytes");
    set(&mut answer, ETAG, format!("\"{digest}\""));
    set(&mut answer, DIGEST, &digest);
    if status == StatusCode::PARTIAL_CONTENT {
        set(&mut answer, CONTENT_RANGE, format!("bytes {first}-{}/{size}", first + length - 1));
    }
    Ok(answer)
}

/// What a `Range` asks for.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    /// Everything, also for what is not understood (RFC 9110, 14.2).
    Whole,
    /// First byte and length.
    Part(u64, u64),
    /// Bytes that are not there.
    Nothing,
}

/// One range of bytes; several at once are answered with everything.
fn range(text: &str, size: u64) -> Wanted {
    let Some((first, last)) = text.strip_prefix("bytes=").and_then(|text| text.split_once('-')) else {
        return Wanted::Whole;
    };
    match (first.trim().parse::<u64>().ok(), last.trim().parse::<u64>().ok()) {
        (Some(first), _) if first >= size => Wanted::Nothing,
        (Some(first), Some(last)) if last >= first => Wanted::Part(first, last.min(size - 1) - first + 1),
        (Some(first), None) if last.trim().is_empty() => Wanted::Part(first, size - first),
        (None, Some(last)) if first.trim().is_empty() && last > 0 && size > 0 => {
            Wanted::Part(size - last.min(size), last.min(size))
        }
        _ => Wanted::Whole,
    }
}

/// `DELETE /v2/<name>/blobs/<digest>`
pub(super) async fn delete(request: Request, name: String, digest: String) -> Result<Answer> {
    request.blocking(move |store| store.delete_blob(&name, &digest)).await?;
    Ok(empty(StatusCode::ACCEPTED))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_those_of_http() {
        assert_eq!(range("bytes=0-9", 100), Wanted::Part(0, 10));
        assert_eq!(range("bytes=90-200", 100), Wanted::Part(90, 10));
        assert_eq!(range("bytes=90-", 100), Wanted::Part(90, 10));
        assert_eq!(range("bytes=-10", 100), Wanted::Part(90, 10));
        assert_eq!(range("bytes=-200", 100), Wanted::Part(0, 100));
        assert_eq!(range("bytes=100-", 100), Wanted::Nothing);
        assert_eq!(range("bytes=0-", 0), Wanted::Nothing);
        for whole in ["bytes=9-1", "bytes=0-1,5-6", "lines=1-2", "bytes=a-b", "bytes=-"] {
            assert_eq!(range(whole, 100), Wanted::Whole, "{whole}");
        }
    }
}
