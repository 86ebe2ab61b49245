//! The functions a template may call: Go's own and the ones that Docker adds.

use std::collections::BTreeMap;

use gotmpl::parse::{BranchNode, CommandNode, Expr, ListNode, Node, PipeNode};

use super::super::text;
use super::super::value::Value;
use super::Functions;
use super::compare;
use super::error::{self, TemplateError};
use super::execute::{Run, share};

type Evaluated = Result<Value, TemplateError>;

/// What a parameter takes; the text is what Go calls it in messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Parameter {
    Any,
    Text,
    Whole,
    Texts,
}

struct Signature {
    parameters: &'static [Parameter],
    /// Takes any number of further arguments of any type.
    variadic: bool,
}

const fn fixed(parameters: &'static [Parameter]) -> Signature {
    Signature { parameters, variadic: false }
}

const fn at_least(parameters: &'static [Parameter]) -> Signature {
    Signature { parameters, variadic: true }
}

fn signature(name: &str, set: Functions) -> Option<Signature> {
    use Parameter::{Any, Text, Texts, Whole};
    Some(match (name, set) {
        ("json", Functions::Usual) => fixed(&[Any]),
        ("json" | "title" | "lower" | "upper", _) => fixed(&[Text]),
        ("split", _) | ("join", Functions::Heading) => fixed(&[Text, Text]),
        ("join", Functions::Usual) => fixed(&[Texts, Text]),
        ("pad", _) => fixed(&[Text, Whole, Whole]),
        ("truncate", _) => fixed(&[Text, Whole]),
        ("len" | "not", _) => fixed(&[Any]),
        ("index" | "slice" | "call" | "and" | "or", _) => at_least(&[Any]),
        ("printf", _) => at_least(&[Text]),
        ("print" | "println" | "html" | "js" | "urlquery", _) => at_least(&[]),
        ("eq", _) => at_least(&[Any]),
        ("ne" | "lt" | "le" | "gt" | "ge", _) => fixed(&[Any, Any]),
        _ => return None,
    })
}

/// Calls a function with the arguments of a command and the value piped into it.
pub(super) fn call(
    run: &mut Run<'_>,
    name: &str,
    command: &CommandNode,
    rest: &[Expr],
    dot: &Value,
    piped: Option<Value>,
) -> Evaluated {
    let place = &command.args[0];
    let Some(signature) = signature(name, run.set) else {
        return Err(run.error(place, &format!("{name:?} is not a defined function")));
    };
    let count = rest.len() + usize::from(piped.is_some());
    let wanted = signature.parameters.len();
    if signature.variadic && count < wanted {
        let message = format!("wrong number of args for {name}: want at least {wanted} got {count}");
        return Err(run.error(place, &message));
    }
    if !signature.variadic && count != wanted {
        let message = format!("wrong number of args for {name}: want {wanted} got {count}");
        return Err(run.error(place, &message));
    }
    if name == "and" || name == "or" {
        return shortcut(run, name == "or", rest, dot, piped);
    }
    let mut arguments = Vec::with_capacity(count);
    for (index, argument) in rest.iter().enumerate() {
        let kind = signature.parameters.get(index).copied().unwrap_or(Parameter::Any);
        let value = match argument {
            Expr::Nil(_) if kind == Parameter::Any => Value::Missing,
            Expr::Nil(_) => {
                return Err(run.error(argument, &format!("cannot assign nil to {}", type_name(kind))));
            }
            other => run.expression(other, dot)?,
        };
        check(run, kind, &value, argument, true)?;
        arguments.push(value);
    }
    if let Some(value) = piped {
        let kind = signature.parameters.get(rest.len()).copied().unwrap_or(Parameter::Any);
        check(run, kind, &value, rest.last().unwrap_or(place), false)?;
        arguments.push(value);
    }
    apply(run.set, name, &arguments).map_err(|message| {
        let spelled = error::spell_command(command);
        let called = rest.first().map(error::spell).unwrap_or_default();
        let message = message.replace("non-function call", &format!("non-function {called}"));
        run.call_error(command.pos.offset, &spelled, &format!("error calling {name}: {message}"))
    })
}

/// `and` and `or` evaluate only as many arguments as they need.
fn shortcut(run: &mut Run<'_>, or: bool, rest: &[Expr], dot: &Value, piped: Option<Value>) -> Evaluated {
    let mut value = Value::Missing;
    for argument in rest {
        value = match argument {
            Expr::Nil(_) => Value::Missing,
            other => run.expression(other, dot)?,
        };
        if value.truth() == or {
            return Ok(value);
        }
    }
    Ok(piped.unwrap_or(value))
}

fn type_name(kind: Parameter) -> &'static str {
    match kind {
        Parameter::Any => "interface {}",
        Parameter::Text => "string",
        Parameter::Whole => "int",
        Parameter::Texts => "[]string",
    }
}

fn check(
    run: &Run<'_>,
    kind: Parameter,
    value: &Value,
    place: &Expr,
    literal: bool,
) -> Result<(), TemplateError> {
    let fits = match (kind, value) {
        (Parameter::Any, _) | (Parameter::Text, Value::Text(_)) | (Parameter::Whole, Value::Int(_)) => true,
        (Parameter::Texts, Value::List(list)) => {
            matches!(list.type_name.as_str(), "[]string" | "strslice.StrSlice")
        }
        _ => false,
    };
    if fits {
        return Ok(());
    }
    let is_literal = matches!(place, Expr::String(..) | Expr::Number(..) | Expr::Bool(..)) && literal;
    let message = match kind {
        Parameter::Whole if is_literal => format!("expected integer; found {}", error::spell(place)),
        Parameter::Text if is_literal => format!("expected string; found {}", error::spell(place)),
        _ if matches!(value, Value::Missing) => {
            format!("invalid value; expected {}", type_name(kind))
        }
        _ => format!("wrong type for value; expected {}; got {}", type_name(kind), value.type_name()),
    };
    Err(run.error(place, &message))
}

fn apply(set: Functions, name: &str, arguments: &[Value]) -> Result<Value, String> {
    let text_at = |index: usize| match arguments.get(index) {
        Some(Value::Text(text)) => text.as_ref(),
        _ => "",
    };
    let whole_at = |index: usize| match arguments.get(index) {
        Some(Value::Int(number)) => *number,
        _ => 0,
    };
    if set == Functions::Heading
        && matches!(name, "json" | "split" | "join" | "title" | "lower" | "upper" | "truncate")
    {
        return Ok(Value::text(text_at(0)));
    }
    Ok(match name {
        "json" => Value::from(arguments[0].json()),
        "split" => split(text_at(0), text_at(1)),
        "join" => Value::from(join(&arguments[0], text_at(1))),
        "title" => Value::from(text::title(text_at(0))),
        "lower" => Value::from(text_at(0).to_lowercase()),
        "upper" => Value::from(text_at(0).to_uppercase()),
        "pad" => Value::from(pad(text_at(0), whole_at(1), whole_at(2))?),
        "truncate" => Value::from(truncate(text_at(0), whole_at(1))?),
        "len" => length(&arguments[0])?,
        "not" => Value::Bool(!arguments[0].truth()),
        "index" => index(&arguments[0], &arguments[1..])?,
        "slice" => slice(&arguments[0], &arguments[1..])?,
        "call" => return Err(format!("non-function {} of type {}", "call", arguments[0].type_name())),
        "print" => Value::from(print(arguments)),
        "println" => Value::from(println(arguments)),
        "printf" => Value::from(printf(arguments)?),
        "html" => Value::from(gotmpl::html_escape(&print(arguments))),
        "js" => Value::from(gotmpl::js_escape(&print(arguments))),
        "urlquery" => Value::from(gotmpl::url_encode(&print(arguments))),
        _ => Value::Bool(compare::compare(name, arguments)?),
    })
}

fn split(source: &str, separator: &str) -> Value {
    if separator.is_empty() {
        return Value::texts(source.chars().map(|letter| letter.to_string()));
    }
    Value::texts(source.split(separator))
}

fn join(list: &Value, separator: &str) -> String {
    let Value::List(list) = list else { return String::new() };
    let items: Vec<String> = list.items.iter().map(Value::display).collect();
    items.join(separator)
}

fn pad(source: &str, before: i64, after: i64) -> Result<String, String> {
    if source.is_empty() {
        return Ok(String::new());
    }
    let spaces = |count: i64| {
        usize::try_from(count)
            .ok()
            .filter(|count| *count < 1 << 20)
            .map(|count| " ".repeat(count))
            .ok_or_else(|| "strings: negative Repeat count".to_string())
    };
    Ok(format!("{}{source}{}", spaces(before)?, spaces(after)?))
}

fn truncate(source: &str, length: i64) -> Result<String, String> {
    let Ok(length) = usize::try_from(length) else {
        return Err(format!("runtime error: slice bounds out of range [:{length}]"));
    };
    if source.len() < length {
        return Ok(source.into());
    }
    Ok(String::from_utf8_lossy(&source.as_bytes()[..length]).into_owned())
}

fn length(value: &Value) -> Result<Value, String> {
    let count = match value {
        Value::Text(text) | Value::Number(text) => text.len(),
        Value::List(list) => list.items.len(),
        Value::Map(map) => map.entries.len(),
        Value::Missing | Value::Nil(_) => return Err("len of nil pointer".into()),
        other => return Err(format!("len of type {}", other.type_name())),
    };
    Ok(Value::Int(i64::try_from(count).unwrap_or(i64::MAX)))
}

fn index(item: &Value, keys: &[Value]) -> Result<Value, String> {
    if matches!(item, Value::Missing) {
        return Err("index of untyped nil".into());
    }
    let mut value = item.clone();
    for key in keys {
        value = match &value {
            Value::List(list) => list.items[position(key, list.items.len(), false)?].clone(),
            Value::Text(text) => Value::Uint(u64::from(text.as_bytes()[position(key, text.len(), false)?])),
            // Keys of another type than text are not found by text.
            Value::Map(map) if map.type_name.starts_with("nat.") => {
                return Err(format!("value has type {}; should be nat.Port", key.type_name()));
            }
            Value::Map(map) => match key {
                Value::Text(key) => map.entries.get(key.as_ref()).unwrap_or(&map.zero).clone(),
                Value::Missing => return Err("value is nil; should be of type string".into()),
                other => return Err(format!("value has type {}; should be string", other.type_name())),
            },
            Value::Nil(_) | Value::Missing => return Err("index of nil pointer".into()),
            other => return Err(format!("can't index item of type {}", other.type_name())),
        };
    }
    Ok(value)
}

fn position(key: &Value, length: usize, inclusive: bool) -> Result<usize, String> {
    let number = match key {
        Value::Int(number) => *number,
        Value::Uint(number) => i64::try_from(*number).unwrap_or(i64::MAX),
        Value::Missing => return Err("cannot index slice/array with nil".into()),
        other => return Err(format!("cannot index slice/array with type {}", other.type_name())),
    };
    usize::try_from(number)
        .ok()
        .filter(|number| *number < length || (inclusive && *number == length))
        .ok_or_else(|| format!("index out of range: {number}"))
}

fn slice(item: &Value, bounds: &[Value]) -> Result<Value, String> {
    let length = match item {
        Value::Missing => return Err("slice of untyped nil".into()),
        Value::Text(text) => text.len(),
        Value::List(list) => list.items.len(),
        other => return Err(format!("can't slice item of type {}", other.type_name())),
    };
    if bounds.len() > 3 {
        return Err(format!("too many slice indexes: {}", bounds.len()));
    }
    let start = bounds.first().map_or(Ok(0), |key| position(key, length, true))?;
    let end = bounds.get(1).map_or(Ok(length), |key| position(key, length, true))?;
    if start > end {
        return Err(format!("invalid slice index: {start} > {end}"));
    }
    Ok(match item {
        Value::List(list) => share(list.items[start..end].to_vec(), list.type_name.clone()),
        Value::Text(text) => Value::from(String::from_utf8_lossy(&text.as_bytes()[start..end]).into_owned()),
        _ => Value::Missing,
    })
}

/// Go's `fmt.Sprint`: a space between two operands when neither is text.
fn print(arguments: &[Value]) -> String {
    let is_text = |value: &Value| matches!(value, Value::Text(_));
    let mut out = String::new();
    for (index, value) in arguments.iter().enumerate() {
        if index > 0 && !is_text(value) && !is_text(&arguments[index - 1]) {
            out.push(' ');
        }
        out.push_str(&value.display());
    }
    out
}

fn println(arguments: &[Value]) -> String {
    let texts: Vec<String> = arguments.iter().map(Value::display).collect();
    texts.join(" ") + "\n"
}

/// Go's `fmt.Sprintf`, which the template crate has.
fn printf(arguments: &[Value]) -> Result<String, String> {
    let arguments = &with_lists(arguments);
    let names: Vec<String> = (0..arguments.len()).map(|index| format!("a{index}")).collect();
    let call: String = names.iter().map(|name| format!(" .{name}")).collect();
    let data: BTreeMap<std::sync::Arc<str>, gotmpl::Value> = names
        .iter()
        .zip(arguments)
        .map(|(name, value)| (std::sync::Arc::from(name.as_str()), foreign(value)))
        .collect();
    gotmpl::execute(&format!("{{{{printf{call}}}}}"), &gotmpl::Value::Map(std::sync::Arc::new(data)))
        .map_err(|cause| cause.to_string())
        .map(|text| name_numbers(text, arguments))
}

/// Lists are formatted by their elements, which the crate only does for `%v`: such an argument becomes
/// text here, and its verb `%s`.
fn with_lists(arguments: &[Value]) -> Vec<Value> {
    let mut arguments = arguments.to_vec();
    let Some(Value::Text(format)) = arguments.first().cloned() else { return arguments };
    let mut changed = String::new();
    let mut next = 1;
    let mut letters = format.chars();
    while let Some(letter) = letters.next() {
        changed.push(letter);
        if letter != '%' {
            continue;
        }
        let mut flags = String::new();
        let verb = letters.by_ref().find(|letter| {
            let flag = matches!(letter, '+' | '-' | '#' | ' ' | '.' | '0'..='9');
            if flag {
                flags.push(*letter);
            }
            !flag
        });
        let Some(verb) = verb else {
            changed.push_str(&flags);
            break;
        };
        match arguments.get(next) {
            Some(Value::List(list)) if !matches!(verb, 'v' | '%') => {
                let element = |item: &Value| {
                    printf(&[Value::from(format!("%{flags}{verb}")), item.clone()]).unwrap_or_default()
                };
                let elements: Vec<String> = list.items.iter().map(element).collect();
                arguments[next] = Value::from(format!("[{}]", elements.join(" ")));
                changed.push('s');
            }
            _ => {
                changed.push_str(&flags);
                changed.push(verb);
            }
        }
        next += usize::from(verb != '%');
    }
    arguments[0] = Value::from(changed);
    arguments
}

/// In a complaint about a verb, a number of an untyped document is called by its Go type.
fn name_numbers(text: String, arguments: &[Value]) -> String {
    arguments.iter().fold(text, |text, argument| match argument {
        Value::Number(number) => {
            text.replace(&format!("(string={number})"), &format!("(json.Number={number})"))
        }
        _ => text,
    })
}

fn foreign(value: &Value) -> gotmpl::Value {
    match value {
        Value::Missing | Value::Nil(_) => gotmpl::Value::Nil,
        Value::Bool(value) => gotmpl::Value::Bool(*value),
        Value::Int(number) => gotmpl::Value::Int(*number),
        Value::Uint(number) => gotmpl::Value::Uint(*number),
        Value::Float(number) => gotmpl::Value::Float(*number),
        Value::Text(text) | Value::Number(text) => gotmpl::Value::String(text.as_ref().into()),
        Value::List(list) => gotmpl::Value::List(list.items.iter().map(foreign).collect()),
        Value::Map(map) => gotmpl::Value::Map(std::sync::Arc::new(
            map.entries.iter().map(|(key, value)| (key.as_str().into(), foreign(value))).collect(),
        )),
        Value::Object(object) => gotmpl::Value::String(object.text().into()),
    }
}

/// Go refuses unknown functions and variables while parsing.
pub(super) fn check_known(source: &str, tree: &ListNode) -> Result<(), TemplateError> {
    let mut variables = vec!["$".to_string()];
    known_list(source, tree, &mut variables)
}

fn known_list(source: &str, list: &ListNode, variables: &mut Vec<String>) -> Result<(), TemplateError> {
    list.nodes.iter().try_for_each(|node| match node {
        Node::List(list) => known_list(source, list, variables),
        Node::Action(action) => known_pipe(source, &action.pipe, variables),
        Node::If(branch) | Node::With(branch) | Node::Range(branch) => {
            known_branch(source, branch, variables)
        }
        Node::Template(call) => call.pipe.as_ref().map_or(Ok(()), |pipe| known_pipe(source, pipe, variables)),
        Node::Define(define) => known_list(source, &define.body, &mut vec!["$".to_string()]),
        Node::Text(_) | Node::Break(_) | Node::Continue(_) => Ok(()),
    })
}

fn known_branch(source: &str, branch: &BranchNode, variables: &mut Vec<String>) -> Result<(), TemplateError> {
    let mark = variables.len();
    known_pipe(source, &branch.pipe, variables)?;
    known_list(source, &branch.body, variables)?;
    if let Some(body) = &branch.else_body {
        known_list(source, body, variables)?;
    }
    variables.truncate(mark);
    Ok(())
}

fn known_pipe(source: &str, pipe: &PipeNode, variables: &mut Vec<String>) -> Result<(), TemplateError> {
    if !pipe.is_assign {
        variables.extend(pipe.decl.iter().map(ToString::to_string));
    }
    for (stage, command) in pipe.commands.iter().enumerate() {
        if let Some(first) = command.args.first().filter(|_| stage > 0)
            && matches!(
                first,
                Expr::Bool(..) | Expr::Dot(_) | Expr::Nil(_) | Expr::Number(..) | Expr::String(..)
            )
        {
            let line = line_of(source, first.pos().offset);
            let message = format!("non executable command in pipeline stage {}", stage + 1);
            return Err(TemplateError(format!("template: :{line}: {message}")));
        }
        for argument in &command.args {
            known_expression(source, argument, variables)?;
        }
    }
    Ok(())
}

fn line_of(source: &str, offset: usize) -> usize {
    1 + source.get(..offset).unwrap_or(source).matches('\n').count()
}

fn known_expression(source: &str, place: &Expr, variables: &mut Vec<String>) -> Result<(), TemplateError> {
    match place {
        Expr::Identifier(position, name) if signature(name, Functions::Usual).is_none() => {
            Err(TemplateError(format!(
                "template: :{}: function {:?} not defined",
                line_of(source, position.offset),
                name.as_str()
            )))
        }
        Expr::Variable(position, name, _) if !variables.iter().any(|known| known == name.as_str()) => {
            Err(TemplateError(format!(
                "template: :{}: undefined variable {:?}",
                line_of(source, position.offset),
                name.as_str()
            )))
        }
        Expr::Pipe(_, pipe) => known_pipe(source, pipe, variables),
        Expr::Chain(_, inner, _) => known_expression(source, inner, variables),
        _ => Ok(()),
    }
}
