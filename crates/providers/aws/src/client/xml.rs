//! Answers in XML, as a tree.

use quick_xml::Reader;
use quick_xml::events::Event;

/// An element.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Node {
    name: String,
    text: String,
    children: Vec<Node>,
}

impl Node {
    /// The outermost element; `None` when it is not XML.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut reader = Reader::from_str(text);
        let mut open = vec![Self::default()];
        loop {
            match reader.read_event().ok()? {
                Event::Start(start) => {
                    let name = start.local_name().as_ref().to_owned();
                    open.push(Self { name, ..Self::default() });
                }
                Event::Empty(start) => {
                    let name = start.local_name().as_ref().to_owned();
                    open.last_mut()?.children.push(Self { name, ..Self::default() });
                }
                Event::End(_) => {
                    let mut done = open.pop()?;
                    done.text = done.text.trim().to_owned();
                    open.last_mut()?.children.push(done);
                }
                Event::Text(piece) => open.last_mut()?.text.push_str(piece.as_ref()),
                Event::CData(piece) => open.last_mut()?.text.push_str(piece.as_ref()),
                Event::GeneralRef(name) => {
                    open.last_mut()?.text.push(entity(name.as_ref())?);
                }
                Event::Eof => break,
                _ => {}
            }
        }
        let mut root = open.pop()?;
        (open.is_empty() && !root.children.is_empty()).then(|| root.children.remove(0))
    }

    /// The first element below it by that path (`a/b`).
    pub(crate) fn at(&self, path: &str) -> Option<&Self> {
        path.split('/').try_fold(self, |node, name| node.children.iter().find(|child| child.name == name))
    }

    /// The first one of that name, however deep.
    pub(crate) fn find(&self, name: &str) -> Option<&Self> {
        self.children.iter().find_map(|child| if child.name == name { Some(child) } else { child.find(name) })
    }

    /// Its text, by a path; empty when there is none.
    pub(crate) fn text(&self, path: &str) -> String {
        self.at(path).map(|node| node.text.clone()).unwrap_or_default()
    }

    /// The elements of a list (`member` or `item`) that lies below it, however deep.
    pub(crate) fn list(&self, name: &str) -> impl Iterator<Item = &Self> {
        self.find(name).into_iter().flat_map(|list| {
            list.children.iter().filter(|child| matches!(child.name.as_str(), "member" | "item"))
        })
    }

    /// The value of a tag in a list of tags.
    pub(crate) fn tag(&self, list: &str, key: &str) -> Option<String> {
        let named = |node: &&Self| node.text("Key") == key || node.text("key") == key;
        let tag = self.list(list).find(named)?;
        Some([tag.text("Value"), tag.text("value")].concat())
    }

    /// Its own text.
    pub(crate) fn own(&self) -> &str {
        &self.text
    }
}

/// What stands between `&` and `;`.
fn entity(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix('x') {
                Some(digits) => u32::from_str_radix(digits, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Node;

    #[test]
    fn lists_and_entities_are_read() {
        let text = "<?xml version=\"1.0\"?><A xmlns=\"x\"><B><Tags><member><Key>a</Key><Value>x &amp;&#x20;y</Value></member>\
            <member><Key>b</Key><Value/></member></Tags></B></A>";
        let tree = Node::parse(text).unwrap();
        assert_eq!(tree.list("Tags").count(), 2);
        assert_eq!(tree.tag("Tags", "a").unwrap(), "x & y");
        assert_eq!(tree.at("B").unwrap().tag("Tags", "b").unwrap(), "");
        assert!(Node::parse("<html><p>").is_none());
        assert!(Node::parse("no").is_none());
    }
}
