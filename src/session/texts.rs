//! Several texts in one string.

/// Texts one after another: `N` fixed ones, each at a known position, and then a list of others.
#[derive(Clone)]
pub(super) struct Texts<const N: usize> {
    text: Box<str>,
    /// The ends of the fixed texts. They are inline because every request reads the first text.
    ends: [u32; N],
    list_ends: Box<[u32]>,
}

impl<const N: usize> Texts<N> {
    pub(super) fn new<'a>(
        texts: [&'a str; N],
        list: impl Iterator<Item = &'a str> + Clone,
    ) -> Self {
        let lengths = texts.into_iter().chain(list.clone()).map(str::len);
        let mut text = String::with_capacity(lengths.sum());
        let mut add = |one| {
            text.push_str(one);
            // Only the test kit can build texts of 4 GiB, and it then loses the rest.
            u32::try_from(text.len()).unwrap_or(u32::MAX)
        };
        let ends = texts.map(&mut add);
        let list_ends = list.map(add).collect();
        Self { text: text.into(), ends, list_ends }
    }

    /// Returns the fixed text at a position. Beyond the last position it is empty.
    #[inline]
    pub(super) fn get(&self, place: usize) -> &str {
        let end = |place: usize| self.ends.get(place).map_or(0, |end| *end as usize);
        self.between(place.checked_sub(1).map_or(0, end), end(place))
    }

    /// Returns the texts of the list.
    pub(super) fn list(&self) -> impl ExactSizeIterator<Item = &str> {
        let mut start = self.ends.last().map_or(0, |end| *end as usize);
        self.list_ends.iter().map(move |end| {
            let text = self.between(start, *end as usize);
            start = *end as usize;
            text
        })
    }

    /// Returns how many bytes the texts take on the heap.
    pub(super) fn bytes(&self) -> usize {
        self.text.len() + size_of_val(&*self.list_ends)
    }

    fn between(&self, start: usize, end: usize) -> &str {
        self.text.get(start..end).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_is_at_its_position() {
        let texts = Texts::new(["", "token", "", "\u{e4}"], ["z", "", "y"].into_iter());
        assert_eq!([0, 1, 2, 3, 4].map(|place| texts.get(place)), ["", "token", "", "\u{e4}", ""]);
        assert_eq!(texts.list().collect::<Vec<_>>(), ["z", "", "y"]);
        let empty = Texts::new([], [""; 0].into_iter());
        assert_eq!((empty.get(0), empty.list().len()), ("", 0));
    }
}
