//! Runs a template: the walk over the tree, pipelines, fields and variables.

use std::rc::Rc;

use gotmpl::parse::{BranchNode, CommandNode, Expr, ListNode, Node, Number, PipeNode, TemplateNode};

use super::super::value::{Member, Value};
use super::error::{self, TemplateError};
use super::functions;
use super::{Functions, MissingKey, Template};

/// Go allows 100,000 nested templates; nobody means more than this, and our stack is smaller.
const DEEPEST: usize = 200;

pub(super) struct Run<'a> {
    template: &'a Template,
    /// The name of the template that runs, for messages.
    name: String,
    missing: MissingKey,
    pub(super) set: Functions,
    variables: Vec<(String, Value)>,
    depth: usize,
    out: String,
}

enum Stop {
    Failed(TemplateError),
    Break,
    Continue,
}

impl From<TemplateError> for Stop {
    fn from(error: TemplateError) -> Self {
        Self::Failed(error)
    }
}

type Walk = Result<(), Stop>;
type Evaluated = Result<Value, TemplateError>;

/// Runs the template; what was written before a failure is kept beside it.
pub(super) fn run(
    template: &Template,
    data: &Value,
    missing: MissingKey,
    set: Functions,
) -> (String, Result<(), TemplateError>) {
    let mut run = Run {
        template,
        name: template.name.into(),
        missing,
        set,
        variables: vec![("$".into(), data.clone())],
        depth: 0,
        out: String::new(),
    };
    match run.list(&template.tree, data) {
        Ok(()) | Err(Stop::Break | Stop::Continue) => (run.out, Ok(())),
        Err(Stop::Failed(error)) => (run.out, Err(error)),
    }
}

impl Run<'_> {
    fn list(&mut self, list: &ListNode, dot: &Value) -> Walk {
        list.nodes.iter().try_for_each(|node| self.node(node, dot))
    }

    fn node(&mut self, node: &Node, dot: &Value) -> Walk {
        match node {
            Node::List(list) => self.list(list, dot),
            Node::Text(text) => {
                self.out.push_str(&text.text);
                Ok(())
            }
            Node::Action(action) => {
                let value = self.pipe(&action.pipe, dot)?;
                if action.pipe.decl.is_empty() {
                    self.out.push_str(&value.print());
                }
                Ok(())
            }
            Node::If(branch) => self.branch(branch, dot, false),
            Node::With(branch) => self.branch(branch, dot, true),
            Node::Range(branch) => self.range(branch, dot),
            Node::Template(call) => self.template(call, dot),
            Node::Define(_) => Ok(()),
            Node::Break(_) => Err(Stop::Break),
            Node::Continue(_) => Err(Stop::Continue),
        }
    }

    fn branch(&mut self, branch: &BranchNode, dot: &Value, with: bool) -> Walk {
        let mark = self.variables.len();
        let value = self.pipe(&branch.pipe, dot)?;
        let result = if value.truth() {
            self.list(&branch.body, if with { &value } else { dot })
        } else if let Some(otherwise) = &branch.else_body {
            self.list(otherwise, dot)
        } else {
            Ok(())
        };
        self.variables.truncate(mark);
        result
    }

    fn range(&mut self, branch: &BranchNode, dot: &Value) -> Walk {
        let mark = self.variables.len();
        let value = self.range_source(&branch.pipe, dot)?;
        let items: Vec<(Value, Value)> = match &value {
            Value::List(list) => {
                list.items.iter().enumerate().map(|(at, item)| (index_value(at), item.clone())).collect()
            }
            Value::Map(map) => {
                map.entries.iter().map(|(key, item)| (Value::text(key.as_str()), item.clone())).collect()
            }
            Value::Int(count) => (0..*count).map(|at| (Value::Int(at), Value::Int(at))).collect(),
            Value::Missing => Vec::new(),
            other => {
                let place = &branch.pipe;
                let message = format!("range can't iterate over {}", other.display());
                return Err(self.pipe_error(place, &message).into());
            }
        };
        if items.is_empty() {
            let result = branch.else_body.as_ref().map_or(Ok(()), |body| self.list(body, dot));
            self.variables.truncate(mark);
            return result;
        }
        for (key, item) in items {
            self.bind_range(&branch.pipe, key, &item);
            let result = self.list(&branch.body, &item);
            self.variables.truncate(mark);
            match result {
                Ok(()) | Err(Stop::Continue) => {}
                Err(Stop::Break) => break,
                failed => return failed,
            }
        }
        Ok(())
    }

    /// Evaluates what a range walks over, without setting the range's own variables.
    fn range_source(&mut self, pipe: &PipeNode, dot: &Value) -> Evaluated {
        let mut value = None;
        for command in &pipe.commands {
            value = Some(self.command(command, dot, value)?);
        }
        Ok(value.unwrap_or(Value::Missing))
    }

    fn bind_range(&mut self, pipe: &PipeNode, key: Value, item: &Value) {
        let names = &pipe.decl;
        let pairs: Vec<(String, Value)> = match names.len() {
            0 => Vec::new(),
            1 => vec![(names[0].to_string(), item.clone())],
            _ => vec![(names[0].to_string(), key), (names[1].to_string(), item.clone())],
        };
        for (name, value) in pairs {
            if pipe.is_assign {
                self.assign(&name, value);
            } else {
                self.variables.push((name, value));
            }
        }
    }

    fn template(&mut self, call: &TemplateNode, dot: &Value) -> Walk {
        let Some(body) = self.template.defined.get(call.name.as_str()) else {
            let quoted = format!("{:?}", call.name.as_str());
            let data =
                call.pipe.as_ref().map(|pipe| format!(" {}", error::spell_pipe(pipe))).unwrap_or_default();
            let spelled = format!("{{{{template {quoted}{data}}}}}");
            let message = format!("template {quoted} not defined");
            let from = call.pos.offset;
            let after = self.template.source.get(from..).and_then(|rest| rest.find(&quoted));
            let offset = from + after.unwrap_or(0);
            return Err(error::at_place(self.origin(), offset, &spelled, &message).into());
        };
        if self.depth == DEEPEST {
            return Err(TemplateError("exceeded maximum template depth".into()).into());
        }
        let data = call.pipe.as_ref().map_or(Ok(Value::Missing), |pipe| self.pipe(pipe, dot))?;
        let outer_name = std::mem::replace(&mut self.name, call.name.to_string());
        let outer = std::mem::replace(&mut self.variables, vec![("$".into(), data.clone())]);
        self.depth += 1;
        let result = self.list(body, &data);
        self.depth -= 1;
        self.variables = outer;
        self.name = outer_name;
        result
    }

    /// Evaluates a pipeline and sets the variables it declares.
    pub(super) fn pipe(&mut self, pipe: &PipeNode, dot: &Value) -> Evaluated {
        let value = self.range_source(pipe, dot)?;
        for name in &pipe.decl {
            if pipe.is_assign {
                if !self.assign(name, value.clone()) {
                    return Err(self.pipe_error(pipe, &format!("undefined variable: {name}")));
                }
            } else {
                self.variables.push((name.to_string(), value.clone()));
            }
        }
        Ok(value)
    }

    /// Gives a known variable another value; false when there is none of that name.
    fn assign(&mut self, name: &str, value: Value) -> bool {
        let slot = self.variables.iter_mut().rev().find(|(known, _)| known == name);
        slot.map(|slot| slot.1 = value).is_some()
    }

    fn command(&mut self, command: &CommandNode, dot: &Value, piped: Option<Value>) -> Evaluated {
        let Some((first, rest)) = command.args.split_first() else { return Ok(Value::Missing) };
        match first {
            Expr::Identifier(_, name) => functions::call(self, name, command, rest, dot, piped),
            Expr::Field(_, names) => self.fields(dot, names, first, rest, dot, piped),
            Expr::Variable(_, variable, names) => {
                let value = self.variable(variable, first)?;
                self.fields(&value, names, first, rest, dot, piped)
            }
            Expr::Chain(_, inner, names) => {
                let value = self.expression(inner, dot)?;
                self.fields(&value, names, first, rest, dot, piped)
            }
            other => {
                if !rest.is_empty() || piped.is_some() {
                    let message = format!("can't give argument to non-function {}", error::spell(other));
                    return Err(self.error(other, &message));
                }
                self.expression(other, dot)
            }
        }
    }

    /// Evaluates one argument or a lone operand.
    pub(super) fn expression(&mut self, place: &Expr, dot: &Value) -> Evaluated {
        match place {
            Expr::Dot(_) => Ok(dot.clone()),
            Expr::Field(_, names) => self.fields(dot, names, place, &[], dot, None),
            Expr::Variable(_, variable, names) => {
                let value = self.variable(variable, place)?;
                self.fields(&value, names, place, &[], dot, None)
            }
            Expr::Identifier(position, name) => {
                let command = CommandNode { pos: *position, args: vec![place.clone()] };
                functions::call(self, name, &command, &[], dot, None)
            }
            Expr::String(_, text) => Ok(Value::text(text.as_ref())),
            Expr::Number(_, Number::Int(number)) => Ok(Value::Int(*number)),
            Expr::Number(_, Number::Uint(number)) => Ok(Value::Uint(*number)),
            Expr::Number(_, Number::Float(number)) => Ok(Value::Float(*number)),
            Expr::Bool(_, value) => Ok(Value::Bool(*value)),
            Expr::Nil(_) => Err(self.error(place, "nil is not a command")),
            Expr::Pipe(_, pipe) => self.pipe(pipe, dot),
            Expr::Chain(_, inner, names) => {
                let value = self.expression(inner, dot)?;
                self.fields(&value, names, place, &[], dot, None)
            }
        }
    }

    fn variable(&self, name: &str, place: &Expr) -> Evaluated {
        match self.variables.iter().rev().find(|(known, _)| known == name) {
            Some((_, value)) => Ok(value.clone()),
            None => Err(self.error(place, &format!("undefined variable: {name}"))),
        }
    }

    /// Follows a chain of field names; only the last may take arguments.
    fn fields<T: AsRef<str>>(
        &mut self,
        receiver: &Value,
        names: &[T],
        place: &Expr,
        rest: &[Expr],
        dot: &Value,
        piped: Option<Value>,
    ) -> Evaluated {
        let mut value = receiver.clone();
        let Some((last, chain)) = names.split_last() else {
            if !rest.is_empty() || piped.is_some() {
                let message = format!("can't give argument to non-function {}", error::spell(place));
                return Err(self.error(place, &message));
            }
            return Ok(value);
        };
        for name in chain {
            value = self.field(&value, name.as_ref(), place, &[])?;
        }
        let mut arguments = Vec::with_capacity(rest.len() + 1);
        for argument in rest {
            arguments.push(match argument {
                Expr::Nil(_) => Value::Missing,
                other => self.expression(other, dot)?,
            });
        }
        arguments.extend(piped);
        self.field(&value, last.as_ref(), place, &arguments)
    }

    fn field(&self, receiver: &Value, name: &str, place: &Expr, arguments: &[Value]) -> Evaluated {
        let refuse_arguments = || {
            let message = format!("{name} has arguments but cannot be invoked as function");
            Err(self.error(place, &message))
        };
        match receiver {
            Value::Missing if self.missing == MissingKey::Error => {
                Err(self.error(place, &format!("nil data; no entry for key {name:?}")))
            }
            Value::Missing => Ok(Value::Missing),
            Value::Nil(type_name) => {
                Err(self.error(place, &format!("nil pointer evaluating {type_name}.{name}")))
            }
            Value::Object(object) => match object.member(name) {
                Member::Value(_) if !arguments.is_empty() && object.has_methods() => {
                    let message = format!("wrong number of args for {name}: want 0 got {}", arguments.len());
                    Err(self.error(place, &message))
                }
                Member::Value(_) if !arguments.is_empty() => refuse_arguments(),
                Member::Value(value) => Ok(value),
                Member::Method(wanted) => {
                    if wanted != arguments.len() {
                        let message =
                            format!("wrong number of args for {name}: want {wanted} got {}", arguments.len());
                        return Err(self.error(place, &message));
                    }
                    let texts: Result<Vec<String>, _> =
                        arguments.iter().map(|argument| self.text_argument(argument, place)).collect();
                    Ok(object.call(name, &texts?))
                }
                Member::Absent => {
                    let message = format!("can't evaluate field {name} in type {}", object.type_name());
                    Err(self.error(place, &message))
                }
            },
            Value::Map(map) => match map.entries.get(name) {
                _ if !arguments.is_empty() => {
                    Err(self.error(place, &format!("{name} is not a method but has arguments")))
                }
                Some(value) => Ok(value.clone()),
                None if self.missing == MissingKey::Error => {
                    Err(self.error(place, &format!("map has no entry for key {name:?}")))
                }
                None => Ok(Value::Missing),
            },
            other => {
                // What came out of an untyped document has the type of the interface that held it.
                let untyped = self.missing == MissingKey::Error;
                let held = if untyped { "interface {}".into() } else { other.type_name() };
                Err(self.error(place, &format!("can't evaluate field {name} in type {held}")))
            }
        }
    }

    fn text_argument(&self, value: &Value, place: &Expr) -> Result<String, TemplateError> {
        match value {
            Value::Text(text) => Ok(text.to_string()),
            Value::Missing => Err(self.error(place, "invalid value; expected string")),
            other => {
                let message = format!("wrong type for value; expected string; got {}", other.type_name());
                Err(self.error(place, &message))
            }
        }
    }

    fn origin(&self) -> error::Origin<'_> {
        error::Origin { source: &self.template.source, parsed_as: self.template.name, running: &self.name }
    }

    pub(super) fn error(&self, place: &Expr, message: &str) -> TemplateError {
        error::at(self.origin(), place, message)
    }

    pub(super) fn call_error(&self, offset: usize, spelled: &str, message: &str) -> TemplateError {
        error::at_place(self.origin(), offset, spelled, message)
    }

    pub(super) fn pipe_error(&self, pipe: &PipeNode, message: &str) -> TemplateError {
        let place = pipe.commands.last().and_then(|command| command.args.last());
        match place {
            Some(place) => self.error(place, message),
            None => TemplateError(format!("template: :{}: {message}", pipe.pos.line)),
        }
    }
}

fn index_value(at: usize) -> Value {
    Value::Int(i64::try_from(at).unwrap_or(i64::MAX))
}

/// Shares a value without copying its parts.
pub(super) fn share(items: Vec<Value>, type_name: String) -> Value {
    Value::List(Rc::new(super::super::value::ListValue { items, type_name, nil: false }))
}
