//! The head and the question of a message as bytes (RFC 1035, section 4.1): all that forwarding looks at.

/// Length of the header.
const HEADER: usize = 12;

/// The bytes of a query's only question; `None` for a message that is no query with exactly one.
pub(crate) fn question(message: &[u8]) -> Option<&[u8]> {
    let header = message.get(..HEADER)?;
    if header[4..6] != [0, 1] {
        return None;
    }
    let mut end = HEADER;
    loop {
        let length = usize::from(*message.get(end)?);
        end += 1 + length;
        match length {
            0 => break,
            // A question is the first name of a message, so there is nothing that it could refer to.
            64.. => return None,
            _ => {}
        }
    }
    message.get(HEADER..end + 4)
}

/// The number of a message.
pub(crate) fn id(message: &[u8]) -> Option<[u8; 2]> {
    message.first_chunk().copied()
}

/// Gives a message another number.
pub(crate) fn set_id(message: &mut [u8], id: [u8; 2]) {
    if let Some(place) = message.first_chunk_mut() {
        *place = id;
    }
}

/// Whether `answer` is the answer to the query with this number and question.
pub(crate) fn is_answer(answer: &[u8], id: [u8; 2], asked: &[u8]) -> bool {
    const IS_ANSWER: u8 = 0x80;
    self::id(answer) == Some(id)
        && answer.get(2).is_some_and(|flags| flags & IS_ANSWER != 0)
        && question(answer).is_some_and(|echoed| echoed.eq_ignore_ascii_case(asked))
}

/// Whether an answer is worth having: it says what there is, or that there is nothing. A server that failed or refused
/// says nothing of what another one would.
pub(crate) fn is_final(answer: &[u8]) -> bool {
    const NO_ERROR: u8 = 0;
    const NO_SUCH_NAME: u8 = 3;
    answer.get(3).is_some_and(|flags| matches!(flags & 0xf, NO_ERROR | NO_SUCH_NAME))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_questions_are_found() {
        let mut query = vec![7, 9, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 3, b'w', b'e', b'b', 0, 0, 1, 0, 1];
        assert_eq!(question(&query), Some(&query[12..]));
        for cut in 0..query.len() {
            assert_eq!(question(&query[..cut]), None, "{cut}");
        }
        let asked = query[12..].to_vec();
        assert!(!is_answer(&query, [7, 9], &asked), "a query is no answer");
        query[2] |= 0x80;
        query[13] = b'W';
        assert!(is_answer(&query, [7, 9], &asked));
        assert!(!is_answer(&query, [7, 8], &asked));
        query[13] = b'x';
        assert!(!is_answer(&query, [7, 9], &asked));
        query[12] = 0xc0;
        assert_eq!(question(&query), None, "a reference");
        query[5] = 2;
        assert_eq!(question(&query), None, "two questions");
        query[3] = 2;
        assert!(!is_final(&query));
    }
}
