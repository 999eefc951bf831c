//! A page as a test reads it: text, and enough HTML to find forms and fields.

use reqwest::header::HeaderMap;
use reqwest::{Response, StatusCode, Url};

use crate::browser::assert_protected;

pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) html: String,
}

impl Page {
    pub(crate) async fn read(response: Response) -> Self {
        assert_protected(response.headers());
        let status = response.status();
        let url = response.url().clone();
        let headers = response.headers().clone();
        let html = response.text().await.unwrap();
        // The only script is that of the pages with a passkey.
        let without = html.replace("<script src=\"/passkey.js\" defer></script>", "");
        assert!(!without.contains("<script") && !html.contains(" style="), "{html}");
        Self { status, url, headers, html }
    }

    pub(crate) fn path(&self) -> &str {
        self.url.path()
    }

    pub(crate) fn query(&self) -> Vec<(String, String)> {
        self.url.query_pairs().into_owned().collect()
    }

    /// Returns the page's main part, without its frame.
    pub(crate) fn main(&self) -> &str {
        self.html.split_once("<main").and_then(|it| it.1.split_once("</main>")).unwrap().0
    }

    /// Returns the text of the element with this id, without tags.
    pub(crate) fn text(&self, id: &str) -> Option<String> {
        let (_, rest) = self.html.split_once(&format!("id=\"{id}\""))?;
        let name = self
            .html
            .split_once(&format!(" id=\"{id}\""))?
            .0
            .rsplit_once('<')?
            .1
            .split(' ')
            .next()?;
        let (inner, _) = rest.split_once('>')?.1.split_once(&format!("</{name}>"))?;
        Some(unescaped(&without_tags(inner)))
    }

    #[track_caller]
    pub(crate) fn assert_text(&self, id: &str, part: &str) {
        let text = self.text(id);
        assert!(
            text.as_deref().is_some_and(|text| text.contains(part)),
            "#{id} is {text:?}, without {part:?}"
        );
    }

    /// Returns the address to which the first form of the main part is sent.
    pub(crate) fn action(&self) -> String {
        unescaped(attribute(self.first_form(), "action").unwrap())
    }

    /// Returns the address of the link with this id.
    pub(crate) fn link(&self, id: &str) -> String {
        let (_, link) = self.html.split_once(&format!("<a id=\"{id}\"")).unwrap();
        unescaped(attribute(link, "href").unwrap())
    }

    pub(crate) fn hidden(&self) -> Vec<(String, String)> {
        let inputs = self
            .first_form()
            .split("<input ")
            .skip(1)
            .filter(|input| input.starts_with("type=\"hidden\""));
        let pair = |input| {
            Some((unescaped(attribute(input, "name")?), unescaped(attribute(input, "value")?)))
        };
        inputs.filter_map(pair).collect()
    }

    /// Returns the value of a field.
    pub(crate) fn value(&self, id: &str) -> Option<String> {
        let input =
            self.html.split("<input ").find(|input| input.starts_with(&format!("id=\"{id}\"")))?;
        attribute(input, "value").map(unescaped)
    }

    fn first_form(&self) -> &str {
        let form =
            self.main().split_once("<form ").unwrap_or_else(|| panic!("no form: {}", self.html)).1;
        form.split_once("</form>").unwrap().0
    }
}

fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = tag.split_once(&format!("{name}=\""))?;
    rest.split_once('"').map(|it| it.0)
}

fn without_tags(html: &str) -> String {
    html.split('<')
        .enumerate()
        .map(
            |(index, part)| {
                if index == 0 { part } else { part.split_once('>').map_or("", |it| it.1) }
            },
        )
        .collect()
}

pub(crate) fn unescaped(html: &str) -> String {
    let named = [("&#60;", "<"), ("&#62;", ">"), ("&#34;", "\""), ("&#39;", "'"), ("&#38;", "&")];
    named.iter().fold(html.to_owned(), |text, (from, to)| text.replace(from, to))
}
