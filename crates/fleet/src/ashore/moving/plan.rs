//! What a move would do: asked, and nothing changed.

use super::{HERE, MoveOptions, check_volumes};
use crate::ashore::specification::specification;
use crate::ashore::{Ashore, Environment, PushOptions, Pushed};
use sampan_error::{Error, Result};

impl Ashore {
    /// The steps of a move, and what would be lost.
    ///
    /// # Errors
    /// No such container or target; it lives there already; what cannot move.
    pub async fn plan_move(
        &self,
        container: &str,
        target: &str,
        options: &MoveOptions,
        environment: &Environment,
    ) -> Result<Pushed> {
        if let Some(moved) = self.moved(container) {
            return match target {
                HERE => Ok(Pushed { steps: steps_home(&moved.name, &moved.target), ..Pushed::default() }),
                _ => {
                    Err(Error::conflict(format!("{container} lives at {}: move it home first", moved.target)))
                }
            };
        }
        if target == HERE {
            return Err(Error::conflict(format!("{container} lives here already")));
        }
        let push = PushOptions { image_only: options.image_only, replicas: options.replicas };
        let mut plan = self.plan(container, target, &push, environment).await?;
        let (record, image) = self.container(container).await?;
        let wanted = specification(&record, &image, 1);
        let (_, provider) = self.provider(target, environment)?;
        check_volumes(&record, &wanted, provider.capabilities().seeds, target)?;
        let name = &record.name;
        if !wanted.volumes.is_empty() {
            let volumes: Vec<&str> = wanted.volumes.iter().map(|volume| volume.name.as_str()).collect();
            let before = [
                format!("bring what is in {} over while it runs", volumes.join(", ")),
                format!("let new connections to {name} wait"),
                format!("stop {name} here"),
                "bring the last difference over, and compare both sides".to_owned(),
            ];
            // The image is there by then; the last steps are the target's own.
            let at = plan.steps.iter().position(|step| step.starts_with("bring ")).map_or(0, |at| at + 1);
            plan.steps.splice(at..at, before);
        }
        plan.steps.push(format!("wait until {name} is ready at {target}"));
        plan.steps.push(match options.without_relay {
            true => format!("remove {name} here"),
            false => format!("pass what comes here on, and remove {name} here"),
        });
        Ok(plan)
    }
}

fn steps_home(name: &str, target: &str) -> Vec<String> {
    vec![
        format!("bring what is in its volumes back from {target} while it runs"),
        format!("let new connections to {name} wait, and stop it at {target}"),
        "bring the last difference back, and compare both sides".to_owned(),
        format!("start {name} here, and wait until it is ready"),
        format!("remove {name} at {target}"),
    ]
}
