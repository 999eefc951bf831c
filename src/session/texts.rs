//! Texts in one piece of memory.

/// Texts one after another; each is known by its place.
pub(super) struct Texts {
    text: Box<str>,
    ends: Box<[u32]>,
}

impl Texts {
    pub(super) fn new<'a>(texts: impl Iterator<Item = &'a str> + Clone) -> Self {
        let lengths = texts.clone().map(str::len);
        let mut text = String::with_capacity(lengths.sum());
        let mut ends = Vec::with_capacity(texts.clone().count());
        for one in texts {
            text.push_str(one);
            // A token is far shorter. Of texts that are not, the end is lost.
            ends.push(u32::try_from(text.len()).unwrap_or(u32::MAX));
        }
        Self { text: text.into(), ends: ends.into() }
    }

    /// Returns the text at a place; an empty one where there is none.
    pub(super) fn get(&self, place: usize) -> &str {
        let end = |place: usize| self.ends.get(place).map_or(0, |end| *end as usize);
        let start = place.checked_sub(1).map_or(0, end);
        self.text.get(start..end(place)).unwrap_or_default()
    }

    /// Returns the texts from a place on.
    pub(super) fn from(&self, place: usize) -> impl ExactSizeIterator<Item = &str> {
        (place..self.ends.len().max(place)).map(|place| self.get(place))
    }

    pub(super) fn bytes(&self) -> usize {
        self.text.len() + size_of_val(&*self.ends)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_is_at_its_place() {
        let texts = Texts::new(["", "token", "", "ä", "z"].into_iter());
        let all = |from| texts.from(from).collect::<Vec<_>>();
        assert_eq!(all(0), ["", "token", "", "ä", "z"]);
        assert_eq!(all(3), ["ä", "z"]);
        assert_eq!([all(5), all(9)], [[""; 0]; 2]);
        assert_eq!([1, 2, 4, 5, 9].map(|place| texts.get(place)), ["token", "", "z", "", ""]);
    }
}
