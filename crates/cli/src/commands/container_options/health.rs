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
    http: String,
    tcp: String,
    ready_http: String,
    ready_tcp: String,
    on_unhealthy: String,
}

impl Health {
    pub(super) fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        for (target, name, usage) in [
            (
                &mut self.http,
                "health-http",
                "Request that checks health, without a program (\":8080/health\")",
            ),
            (&mut self.tcp, "health-tcp", "Port whose connections check health (\":5432\")"),
            (
                &mut self.ready_http,
                "ready-http",
                "Request that says whether connections may come (\":8080/ready\")",
            ),
            (&mut self.ready_tcp, "ready-tcp", "Port that says whether connections may come (\":5432\")"),
            (&mut self.on_unhealthy, "on-unhealthy", "What happens when it is unhealthy (restart|stop|none)"),
        ] {
            flags.string(target, name, "", usage).own();
        }
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

    /// What other engines have no field for are labels, which any client can set.
    fn fill_labels(&self, config: &mut Map<String, Value>) -> Result<(), String> {
        if !self.ready_http.is_empty() && !self.ready_tcp.is_empty() {
            return Err(String::from("--ready-http conflicts with --ready-tcp: say one of them"));
        }
        let ready = match (self.ready_http.as_str(), self.ready_tcp.as_str()) {
            ("", "") => String::new(),
            ("", port) => format!("tcp:{port}"),
            (address, _) => format!("http:{address}"),
        };
        for (label, value) in [("sampan.readiness", &ready), ("sampan.on-unhealthy", &self.on_unhealthy)] {
            if value.is_empty() {
                continue;
            }
            let labels = config.entry("Labels").or_insert_with(|| json!({}));
            if labels.is_null() {
                *labels = json!({});
            }
            labels[label] = json!(value);
        }
        Ok(())
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
        self.fill_labels(config)?;
        let tests = [
            ("CMD-SHELL", &self.command, "--health-cmd"),
            ("HTTP", &self.http, "--health-http"),
            ("TCP", &self.tcp, "--health-tcp"),
        ];
        let mut tests = tests.into_iter().filter(|(_, text, _)| !text.is_empty());
        let test = tests.next();
        if let (Some((.., first)), Some((.., second))) = (test, tests.next()) {
            return Err(format!("{first} conflicts with {second}: a container has one health check"));
        }
        let any = test.is_some() || numbers.iter().any(|(_, _, number)| *number != 0);
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
        if let Some((kind, text, _)) = test {
            check.insert(String::from("Test"), json!([kind, text]));
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
