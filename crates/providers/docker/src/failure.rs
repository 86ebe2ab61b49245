//! What an engine's refusals mean.

use sampan_engine_client::Failure as Answer;
use sampan_provider::Failure;

/// Says it in a provider's words.
pub(crate) fn failure(answer: Answer) -> Failure {
    let message = answer.to_string();
    match &answer {
        Answer::Address(_) => Failure::invalid("endpoint", message),
        Answer::Transport(_) => Failure::Transport(message),
        Answer::Answer { status, .. } => match status {
            400 => Failure::invalid("", message),
            401 => Failure::Unauthenticated(message),
            403 => Failure::Denied(message),
            404 => Failure::NotFound(message),
            409 => Failure::Conflict(message),
            501 => Failure::unsupported("this", message),
            _ if message.contains("no space left") => Failure::Capacity(message),
            _ => Failure::Provider {
                service: "the engine".to_owned(),
                status: *status,
                code: String::new(),
                message,
                request_id: String::new(),
            },
        },
    }
}
