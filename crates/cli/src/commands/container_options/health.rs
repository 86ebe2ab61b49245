//! `--health-*`.

use serde_json::{Map, Value, json};

use crate::flags::FlagSet;

/// The flags of the health check; times in nanoseconds.
#[derive(Default)]
pub(crate) struct Health {
    none: bool,
    command: String,
    interval: i64,
    timeout: i64,
    start_period: i64,
    start_interval: i64,
    retries: i64,
}

impl Health {
    pub(super) fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags.string(&mut self.command, "health-cmd", "", "Command to run to check health");
        flags.duration(
            &mut self.interval,
            "health-interval",
            "Time between running the check (ms|s|m|h) (default 0s)",
        );
        flags.int(&mut self.retries, "health-retries", "", "Consecutive failures needed to report unhealthy");
        flags.duration(
            &mut self.timeout,
            "health-timeout",
            "Maximum time to allow one check to run (ms|s|m|h) (default 0s)",
        );
        flags.duration(
            &mut self.start_period,
            "health-start-period",
            "Start period for the container to initialize before starting health-retries countdown (ms|s|m|h) \
             (default 0s)",
        );
        flags.duration(
            &mut self.start_interval,
            "health-start-interval",
            "Time between running the check during the start period (ms|s|m|h) (default 0s)",
        );
        flags.bool(&mut self.none, "no-healthcheck", "", "Disable any container-specified HEALTHCHECK");
    }

    /// Adds to the API's `Config`.
    pub(super) fn fill(&self, config: &mut Map<String, Value>) -> Result<(), String> {
        let numbers = [
            ("--health-interval", "Interval", self.interval),
            ("--health-timeout", "Timeout", self.timeout),
            ("--health-retries", "Retries", self.retries),
            ("--health-start-period", "StartPeriod", self.start_period),
            ("--health-start-interval", "StartInterval", self.start_interval),
        ];
        let any = !self.command.is_empty() || numbers.iter().any(|(_, _, number)| *number != 0);
        if self.none {
            if any {
                return Err(String::from("--no-healthcheck conflicts with --health-* options"));
            }
            config.insert(String::from("Healthcheck"), json!({"Test": ["NONE"]}));
            return Ok(());
        }
        if !any {
            return Ok(());
        }
        let mut check = Map::new();
        if !self.command.is_empty() {
            check.insert(String::from("Test"), json!(["CMD-SHELL", self.command]));
        }
        for (flag, field, number) in numbers {
            if number < 0 {
                return Err(format!("{flag} cannot be negative"));
            }
            if number > 0 {
                check.insert(field.to_owned(), json!(number));
            }
        }
        config.insert(String::from("Healthcheck"), check.into());
        Ok(())
    }
}
