//! One step after the other, as clients without BuildKit read it, made of stages that go on side by side.

use sampan_build::{Event, What};
use std::collections::BTreeMap;

/// Lets the events of one stage through at a time, in the order of the Dockerfile.
#[derive(Default)]
pub(super) struct InOrder {
    /// The last step that is let through.
    shown: usize,
    /// What later steps said meanwhile.
    waiting: BTreeMap<usize, Vec<What>>,
}

impl InOrder {
    /// What can be shown now.
    pub(super) fn push(&mut self, event: Event) -> Vec<What> {
        let Event { step, what } = event;
        if step != 0 && step > self.shown + 1 {
            self.waiting.entry(step).or_default().push(what);
            return Vec::new();
        }
        let mut out = Vec::new();
        self.let_through(step, what, &mut out);
        while let Some(next) = self.waiting.remove(&(self.shown + 1)) {
            let step = self.shown + 1;
            let before = self.shown;
            next.into_iter().for_each(|what| self.let_through(step, what, &mut out));
            if self.shown == before {
                break;
            }
        }
        out
    }

    fn let_through(&mut self, step: usize, what: What, out: &mut Vec<What>) {
        if what == What::End {
            self.shown = step;
        }
        out.push(what);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_come_one_after_the_other() {
        let mut order = InOrder::default();
        let note = |step, text: &str| Event { step, what: What::Note(text.to_owned()) };
        let end = |step| Event { step, what: What::End };
        assert_eq!(order.push(note(1, "a")).len(), 1);
        assert!(order.push(note(3, "c")).is_empty());
        assert_eq!(order.push(end(1)).len(), 1);
        assert!(order.push(end(3)).is_empty());
        assert_eq!(order.push(note(2, "b")), [What::Note("b".to_owned())]);
        assert_eq!(order.push(end(2)), [What::End, What::Note("c".to_owned()), What::End]);
        assert_eq!(order.push(note(0, "all")).len(), 1);
        assert_eq!(order.push(note(4, "d")).len(), 1);
    }
}
