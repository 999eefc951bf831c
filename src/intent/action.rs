//! The action that a proof is for.

use std::fmt;

use super::value::ActionValue;
use crate::keys;

/// One action, as the handler understands it: a name, and the fields that a person agrees to. A proof
/// for it counts for no other action.
///
/// ```
/// use tower_step_up::Action;
///
/// let (payee, cents, memo) = ("GB33BUKB20201555555555", 120_000_u64, None::<String>);
/// let action = Action::new("transfer").with("payee", payee).with("cents", cents).with("memo", memo);
/// // The log of an action has no values.
/// assert_eq!(format!("{action:?}"), r#"Action { name: "transfer", fields: ["cents", "memo", "payee"] }"#);
/// ```
///
/// Name everything that must not change after the person has proved a factor: for a payment, the payee,
/// the amount, the currency and the account. Give each kind of action of the application its own name.
///
/// The order of the fields does not matter. If a name is repeated, all its values count, in the order of
/// the calls, so a list is a name that is repeated. An [`ActionValue`] says which types there are.
///
/// The crate keeps only a digest of the action: SHA-256 over an encoding in which no two actions are the
/// same. It is not over the bytes of the request, because a proxy may change those. Anyone who reads the
/// store can try likely values and compare their digests. The digest of a six-digit amount is no
/// secret.
#[derive(Clone)]
pub struct Action {
    name: Box<str>,
    /// In the order of the calls.
    fields: Vec<(Box<str>, ActionValue)>,
}

/// The beginning of each encoding. Another form of it would get another number.
const FORM: &[u8] = b"tower-step-up action 1";

impl Action {
    /// Creates an action without fields.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self { name: name.into(), fields: Vec::new() }
    }

    /// Returns the action with a further field.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<ActionValue>) -> Self {
        self.fields.push((name.into(), value.into()));
        self
    }

    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the digest, in base64url.
    pub(crate) fn digest(&self) -> String {
        base64_simd::URL_SAFE_NO_PAD.encode_to_string(keys::digest(&self.encoding()))
    }

    /// Returns the fields, sorted by name. The values of one name stay in the order of the calls. A
    /// client may choose how many there are, so they are sorted once.
    fn sorted_fields(&self) -> Vec<(&str, &ActionValue)> {
        let mut fields: Vec<_> = self.fields.iter().map(|(name, value)| (&**name, value)).collect();
        fields.sort_by_key(|(name, _)| *name);
        fields
    }

    /// Returns the encoding. Each text begins with its length, and each value with its type, so every
    /// encoding can be read in one way only.
    fn encoding(&self) -> Vec<u8> {
        let mut bytes = FORM.to_vec();
        add(&mut bytes, self.name.as_bytes());
        for (name, value) in self.sorted_fields() {
            add(&mut bytes, name.as_bytes());
            let (kind, value) = value.parts();
            bytes.push(kind);
            add(&mut bytes, value);
        }
        bytes
    }
}

fn add(bytes: &mut Vec<u8>, part: &[u8]) {
    bytes.extend((part.len() as u64).to_be_bytes());
    bytes.extend(part);
}

impl fmt::Debug for Action {
    /// Omits the values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields: Vec<_> = self.sorted_fields().into_iter().map(|(name, _)| name).collect();
        f.debug_struct("Action").field("name", &self.name).field("fields", &fields).finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A second definition of an action. Two of them are the same action if they are equal once their
    /// fields are sorted.
    type Model = (String, Vec<(String, Value)>);

    #[derive(Clone, Debug, PartialEq, Eq)]
    enum Value {
        Nothing,
        Text(String),
        Integer(i128),
        Boolean(bool),
        Bytes(Vec<u8>),
    }

    /// Few characters, so that equal texts are frequent, and some that look like parts of an encoding.
    fn text() -> impl Strategy<Value = String> {
        "[ab\u{0}t1-]{0,3}"
    }

    fn value() -> impl Strategy<Value = Value> {
        prop_oneof![
            1 => Just(Value::Nothing),
            4 => text().prop_map(Value::Text),
            2 => (-2_i128..3).prop_map(Value::Integer),
            1 => any::<i128>().prop_map(Value::Integer),
            1 => any::<bool>().prop_map(Value::Boolean),
            2 => prop::collection::vec(prop::sample::select(&b"\x000abt"[..]), 0..3).prop_map(Value::Bytes),
        ]
    }

    fn model() -> impl Strategy<Value = Model> {
        (text(), prop::collection::vec((text(), value()), 0..4))
    }

    fn action((name, fields): &Model) -> Action {
        fields.iter().fold(Action::new(name), |action, (name, value)| match value.clone() {
            Value::Nothing => action.with(name, None::<&str>),
            Value::Text(text) => action.with(name, text),
            Value::Integer(number) => action.with(name, number),
            Value::Boolean(flag) => action.with(name, flag),
            Value::Bytes(bytes) => action.with(name, bytes),
        })
    }

    fn sorted((name, mut fields): Model) -> Model {
        fields.sort_by(|(one, _), (other, _)| one.as_bytes().cmp(other.as_bytes()));
        (name, fields)
    }

    /// Reads an encoding back.
    fn read(encoding: &[u8]) -> Model {
        let mut rest = encoding.strip_prefix(b"tower-step-up action 1").expect("the form");
        let mut part = |kind: bool| {
            let (kind, rest_of) = if kind { rest.split_at(1) } else { (&b""[..], rest) };
            let (length, rest_of) = rest_of.split_at(8);
            let length = u64::from_be_bytes(length.try_into().expect("eight bytes"));
            let (part, rest_of) = rest_of.split_at(usize::try_from(length).expect("short"));
            rest = rest_of;
            (kind.first().copied(), part.to_vec(), rest_of.is_empty())
        };
        let utf8 = |bytes| String::from_utf8(bytes).expect("a text");
        let (_, name, mut is_end) = part(false);
        let mut fields = Vec::new();
        while !is_end {
            let (_, name, _) = part(false);
            let (kind, value, end) = part(true);
            is_end = end;
            let value = match kind.expect("a type") {
                b'n' => Value::Nothing,
                b't' => Value::Text(utf8(value)),
                b'i' => Value::Integer(utf8(value).parse().expect("a number")),
                b'b' => Value::Boolean(value == b"1"),
                b'x' => Value::Bytes(value),
                kind => panic!("{kind}"),
            };
            fields.push((utf8(name), value));
        }
        (utf8(name), fields)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn an_encoding_can_be_read_back(model in model()) {
            prop_assert_eq!(read(&action(&model).encoding()), sorted(model));
        }

        #[test]
        fn only_the_same_actions_have_the_same_digest(one in model(), other in model()) {
            let is_same = sorted(one.clone()) == sorted(other.clone());
            prop_assert_eq!(action(&one).digest() == action(&other).digest(), is_same);
        }

        #[test]
        fn the_order_of_the_calls_matters_only_within_a_name(model in model(), seed in any::<u64>()) {
            let (name, mut fields) = model.clone();
            let len = fields.len();
            for place in 1..len {
                let (before, after) = (place - 1, place);
                if fields[before].0 != fields[after].0 && seed >> place & 1 == 1 {
                    fields.swap(before, after);
                }
            }
            prop_assert_eq!(action(&(name, fields)).digest(), action(&model).digest());
        }
    }

    #[test]
    fn every_integer_counts_by_its_number() {
        let digest = |value: ActionValue| Action::new("a").with("n", value).digest();
        let one = digest(1_i8.into());
        for same in [digest(1_u8.into()), digest(1_i128.into()), digest(1_usize.into())] {
            assert_eq!(same, one);
        }
        for other in [
            digest("1".into()),
            digest(true.into()),
            digest([1_u8].into()),
            digest(b"1".into()),
            digest((-1_i64).into()),
            digest(u128::MAX.into()),
            digest(None::<u8>.into()),
        ] {
            assert_ne!(other, one);
        }
        assert_eq!(digest(Some(1).into()), one);
    }

    #[test]
    fn a_digest_never_changes() {
        // The stores of running services hold digests of this form.
        let action = Action::new("transfer").with("payee", "a").with("cents", 1).with("ok", true);
        assert_eq!(action.digest(), "HM26Vd3KAkeu2tz00peEiiEubh_HAid6SmKfy7tzduc");
    }

    /// The list may come from a client. If each field were put in its place at once, this would take
    /// minutes.
    #[test]
    fn a_long_list_takes_no_more_time_for_each_field() {
        let numbers = 0..300_000_u32;
        let one = numbers.clone().fold(Action::new("batch"), |action, number| {
            action.with("payee", "ada").with("cents", number)
        });
        let other = numbers
            .clone()
            .fold(Action::new("batch"), |action, number| action.with("cents", number));
        let other = numbers.fold(other, |action, _| action.with("payee", "ada"));
        assert_eq!(one.digest(), other.digest());
    }

    #[test]
    fn no_value_is_printed() {
        let action = Action::new("transfer").with("payee", "secret-payee").with("cents", 4_711);
        let printed = format!("{action:?}");
        assert!(!printed.contains("secret") && !printed.contains("4711"), "{printed}");
    }
}
