//! Templates against what Go prints and says.

use super::super::json::Html;
use super::super::value::{Member, Object, Value};
use super::{MissingKey, Template};
use std::rc::Rc;

struct Row;

impl Object for Row {
    fn type_name(&self) -> String {
        "*formatter.ContainerContext".into()
    }

    fn member(&self, name: &str) -> Member {
        match name {
            "ID" => Member::Value("abc".into()),
            "Label" => Member::Method(1),
            "Health" => Member::Value(Value::Nil("*container.Health")),
            _ => Member::Absent,
        }
    }

    fn call(&self, _name: &str, arguments: &[String]) -> Value {
        Value::from(format!("label {}", arguments[0]))
    }

    fn json(&self, _html: Html) -> String {
        "{\"ID\":\"abc\"}".into()
    }

    fn text(&self) -> String {
        "{abc}".into()
    }
}

fn document() -> Value {
    Value::untyped(&serde_json::json!({
        "Id": "x", "N": 5, "Null": null, "List": ["a", "b"],
        "Map": {"b.c": {"d": true}, "a": "one"}, "Text": "<hi>"
    }))
}

fn run(source: &str, data: &Value, missing: MissingKey) -> String {
    let result =
        Template::parse(source).and_then(|template| template.run(data, missing, super::Functions::Usual));
    result.unwrap_or_else(|error| error.to_string())
}

#[test]
fn prints_what_go_prints() {
    for (source, expected) in [
        ("{{.Id}} {{.N}} {{.Null}} {{.Absent}}", "x 5 <no value> <no value>"),
        (
            "{{json .}}",
            r#"{"Id":"x","List":["a","b"],"Map":{"a":"one","b.c":{"d":true}},"N":5,"Null":null,"Text":"<hi>"}"#,
        ),
        ("{{json .Absent}} {{json .List}}", r#"null ["a","b"]"#),
        ("{{.Map}} {{.List}}", "map[a:one b.c:map[d:true]] [a b]"),
        ("{{range .List}}{{.}};{{end}}{{range .Null}}x{{else}}none{{end}}", "a;b;none"),
        ("{{range $i, $e := .List}}{{$i}}={{$e}} {{end}}", "0=a 1=b "),
        ("{{range $k, $v := .Map}}{{$k}} {{end}}", "a b.c "),
        ("{{with index .Map \"b.c\"}}{{.d}}{{end}}", "true"),
        ("{{(index .Map \"b.c\").d}}", "true"),
        ("{{index .List 1}} {{len .List}} {{len .Id}}", "b 2 1"),
        ("{{if and .Id (eq .Id \"x\")}}yes{{else}}no{{end}}", "yes"),
        ("{{if not .Absent}}yes{{end}}", "yes"),
        (
            "{{lower \"ABC\"}} {{upper .Id}} {{title \"ab cd\"}} {{pad .Id 1 2}}| {{truncate \"hello\" 3}}",
            "abc X Ab Cd  x  | hel",
        ),
        ("{{join (split \"a,b\" \",\") \"-\"}} {{split \"a:b\" \":\"}}", "a-b [a b]"),
        ("{{.Id | printf \"%q-%5s|\" \"z\"}}", "\"z\"-    x|"),
        ("{{println .Id 5}}", "x 5\n"),
        ("{{$x := 3}}{{if true}}{{$x = 4}}{{end}}{{$x}}", "4"),
        ("{{define \"a\"}}[{{.}}]{{end}}{{template \"a\" .Id}}", "[x]"),
        ("a {{- /* note */ -}} b", "ab"),
        ("{{html .Text}}", "&lt;hi&gt;"),
        ("{{slice .List 1}} {{slice \"hello\" 1 3}}", "[b] el"),
        ("{{print 1 2 \"a\" 3}}", "1 2a3"),
    ] {
        assert_eq!(run(source, &document(), MissingKey::NoValue), expected, "{source}");
    }
}

#[test]
fn fails_with_gos_words() {
    for (source, expected) in [
        ("{{.Foo}}", "template: :1:2: executing \"\" at <.Foo>: map has no entry for key \"Foo\""),
        (
            "{{.Map.Foo.Bar}}",
            "template: :1:6: executing \"\" at <.Map.Foo.Bar>: map has no entry for key \"Foo\"",
        ),
        ("a\n {{.Null.A}}", "template: :2:8: executing \"\" at <.Null.A>: nil data; no entry for key \"A\""),
        (
            "{{.Id.X}}",
            "template: :1:5: executing \"\" at <.Id.X>: can't evaluate field X in type interface {}",
        ),
        ("{{.Id", "template: :1: unclosed action"),
        ("{{foo .Id}}", "template: :1: function \"foo\" not defined"),
        ("{{$x}}", "template: :1: undefined variable \"$x\""),
        ("{{}}", "template: :1: missing value for command"),
        ("{{if .Id}}", "template: :1: unexpected EOF"),
        ("{{json}}", "template: :1:2: executing \"\" at <json>: wrong number of args for json: want 1 got 0"),
        (
            "{{index .List 9}}",
            "template: :1:2: executing \"\" at <index .List 9>: error calling index: index out of range: 9",
        ),
        (
            "{{join .List \",\"}}",
            "template: :1:7: executing \"\" at <.List>: wrong type for value; expected []string; got []interface {}",
        ),
        (
            "{{lower .N}}",
            "template: :1:8: executing \"\" at <.N>: wrong type for value; expected string; got json.Number",
        ),
        (
            "{{eq .N 5}}",
            "template: :1:2: executing \"\" at <eq .N 5>: error calling eq: incompatible types for comparison",
        ),
    ] {
        assert_eq!(run(source, &document(), MissingKey::Error), expected, "{source}");
    }
}

#[test]
fn knows_structs_and_methods() {
    let row = Value::Object(Rc::new(Row));
    for (source, expected) in [
        ("{{.ID}} {{.Label \"a\"}} {{.Health}} {{.}}", "abc label a <nil> {abc}"),
        ("{{json .}}", "{\"ID\":\"abc\"}"),
        (
            "{{.Nope}}",
            "template: :1:2: executing \"\" at <.Nope>: can't evaluate field Nope in type *formatter.ContainerContext",
        ),
        (
            "{{.Health.Status}}",
            "template: :1:9: executing \"\" at <.Health.Status>: nil pointer evaluating *container.Health.Status",
        ),
        (
            "{{.Label}}",
            "template: :1:2: executing \"\" at <.Label>: wrong number of args for Label: want 1 got 0",
        ),
    ] {
        assert_eq!(run(source, &row, MissingKey::NoValue), expected, "{source}");
    }
}
