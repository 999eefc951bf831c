//! One-time passcodes by text message and email.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use time::{Duration, OffsetDateTime};

use super::{
    Attributes, Channel, Contact, FactorDetail, Message, NewUser, Session, SessionRequest, State,
    factors::{EmailFactor, PhoneNumberFactor},
};
use crate::{bounded::Bounded, error::Refusal, random};

/// The maximum number of codes that are kept, used ones included.
const CAPACITY: usize = 20_000;
/// The number of wrong attempts after which a code is invalid.
const TRIES: u8 = 5;

pub(crate) struct Codes {
    by_method: Bounded<Code>,
}

pub(super) struct Code {
    digits: String,
    pub(super) user_id: String,
    contact: Contact,
    attributes: Attributes,
    expires_at: OffsetDateTime,
    used: bool,
    failures: u8,
}

/// A code that was sent, with its user and the id of the address or number.
#[derive(Debug)]
pub(crate) struct SentCode {
    pub(crate) user_id: String,
    pub(crate) method_id: String,
    pub(crate) user_created: bool,
}

impl Default for Codes {
    fn default() -> Self {
        Self { by_method: Bounded::new(CAPACITY) }
    }
}

impl Codes {
    /// Removes the codes for which `is_gone` is true.
    pub(super) fn forget(&mut self, is_gone: impl Fn(&Code) -> bool) {
        self.by_method.retain(|code| !is_gone(code));
    }

    /// Removes the code that was sent to this address or number.
    pub(super) fn forget_method(&mut self, method_id: &str) {
        self.by_method.remove(method_id);
    }

    /// Creates the code for `sent`, which replaces an earlier one. Returns the message with it.
    pub(crate) fn issue(
        &mut self,
        contact: Contact,
        sent: &SentCode,
        life: Duration,
        attributes: Attributes,
        now: OffsetDateTime,
    ) -> Message {
        let digits = random::six_digits();
        let minutes = life.whole_minutes();
        let unit = if minutes == 1 { "minute" } else { "minutes" };
        let message = Message {
            to: contact.address().to_owned(),
            channel: match contact {
                Contact::Email(_) => Channel::Email,
                Contact::Phone(_) => Channel::Sms,
            },
            text: format!("Your code is {digits}. It is valid for {minutes} {unit}."),
            code: Some(digits.clone()),
            link: None,
            sent_at: now,
        };
        let code = Code {
            digits,
            user_id: sent.user_id.clone(),
            contact,
            attributes,
            expires_at: now + life,
            used: false,
            failures: 0,
        };
        self.by_method.insert(sent.method_id.clone(), code);
        message
    }

    /// Uses up the code that was sent to `method_id`.
    pub(crate) fn spend(
        &mut self,
        method_id: &str,
        digits: &str,
        required: &Required,
        now: OffsetDateTime,
    ) -> Result<(), Refusal> {
        let code = self.by_method.get_mut(method_id).ok_or(Refusal::CodeNotFound)?;
        code.spend(digits, required, now)
    }
}

impl State {
    /// Returns the user to whom a message for `contact` goes: the named user, or else the one who
    /// has the contact. If the named user does not have the contact, and no other user does, adds
    /// it to the named user.
    pub(super) fn recipient(
        &mut self,
        contact: &Contact,
        user_id: Option<&str>,
    ) -> Result<SentCode, Refusal> {
        let sent = |user_id: &str, method_id: &str| SentCode {
            user_id: user_id.to_owned(),
            method_id: method_id.to_owned(),
            user_created: false,
        };
        let Some(user_id) = user_id else {
            let user = self.users.find(contact).ok_or(match contact {
                Contact::Email(_) => Refusal::EmailNotFound,
                Contact::Phone(_) => Refusal::PhoneNumberNotFound,
            })?;
            return Ok(sent(&user.user_id, user.method_id(contact).unwrap_or_default()));
        };
        if let Some(method_id) = self.users.get(user_id)?.method_id(contact) {
            return Ok(sent(user_id, method_id));
        }
        let method_id = self.users.add(user_id, contact.clone())?;
        Ok(sent(user_id, &method_id))
    }

    /// Does the same as [`State::recipient`], but creates a user if none has the contact.
    pub(super) fn recipient_or_new(
        &mut self,
        contact: &Contact,
        pending: bool,
        now: OffsetDateTime,
    ) -> Result<SentCode, Refusal> {
        if self.users.find(contact).is_some() {
            return self.recipient(contact, None);
        }
        let (email, phone) = match contact {
            Contact::Email(_) => (Some(contact.clone()), None),
            Contact::Phone(_) => (None, Some(contact.clone())),
        };
        let user =
            self.users.create(NewUser { email, phone, pending, ..NewUser::default() }, now)?;
        let (user_id, method_id) =
            (user.user_id.clone(), user.method_id(contact).unwrap_or_default().to_owned());
        Ok(SentCode { user_id, method_id, user_created: true })
    }

    /// Sends a code to `contact`. An earlier code becomes invalid.
    pub(crate) fn send_code(
        &mut self,
        contact: Contact,
        user_id: Option<&str>,
        life: Duration,
        attributes: Attributes,
        now: OffsetDateTime,
    ) -> Result<SentCode, Refusal> {
        self.limits.check_send(contact.address(), now)?;
        let sent = self.recipient(&contact, user_id)?;
        self.deliver_code(contact, &sent, life, attributes, now);
        Ok(sent)
    }

    /// Does the same as [`State::send_code`], but creates a user if none has the contact.
    pub(crate) fn send_code_or_create(
        &mut self,
        contact: Contact,
        pending: bool,
        life: Duration,
        attributes: Attributes,
        now: OffsetDateTime,
    ) -> Result<SentCode, Refusal> {
        self.limits.check_send(contact.address(), now)?;
        let sent = self.recipient_or_new(&contact, pending, now)?;
        self.deliver_code(contact, &sent, life, attributes, now);
        Ok(sent)
    }

    fn deliver_code(
        &mut self,
        contact: Contact,
        sent: &SentCode,
        life: Duration,
        attributes: Attributes,
        now: OffsetDateTime,
    ) {
        self.limits.count_send(contact.address(), now);
        let message = self.codes.issue(contact, sent, life, attributes, now);
        self.inbox.deliver(message);
    }

    /// Uses up the code that was sent to `method_id`. Returns its user and the resulting session,
    /// if any.
    pub(crate) fn authenticate_code(
        &mut self,
        method_id: &str,
        digits: &str,
        required: &Required,
        request: SessionRequest,
        now: OffsetDateTime,
    ) -> Result<(String, Option<Session>), Refusal> {
        let code = self.codes.by_method.get(method_id).ok_or(Refusal::CodeNotFound)?;
        let (user_id, contact) = (code.user_id.clone(), code.contact.clone());
        self.check_session_request(&request, &user_id, now)?;

        self.codes.spend(method_id, digits, required, now)?;
        self.users.get_mut(&user_id)?.verify(&contact);
        let detail = match contact {
            Contact::Email(email_address) => FactorDetail::EmailOtp {
                email_factor: EmailFactor { email_id: method_id.to_owned(), email_address },
            },
            Contact::Phone(phone_number) => FactorDetail::SmsOtp {
                phone_number_factor: PhoneNumberFactor {
                    phone_id: method_id.to_owned(),
                    phone_number,
                },
            },
        };
        let session = self.grant(&user_id, detail, request, now)?;
        Ok((user_id, session))
    }
}

impl Code {
    fn spend(
        &mut self,
        digits: &str,
        required: &Required,
        now: OffsetDateTime,
    ) -> Result<(), Refusal> {
        if self.used || self.failures >= TRIES {
            return Err(Refusal::CodeNotUsable);
        }
        if verify_slices_are_equal(self.digits.as_bytes(), digits.as_bytes()).is_err() {
            self.failures += 1;
            return Err(Refusal::CodeNotFound);
        }
        if now >= self.expires_at {
            return Err(Refusal::CodeNotUsable);
        }
        required.check(&self.attributes)?;
        self.used = true;
        Ok(())
    }
}

/// The attributes of an authenticate call, and which of them must be the same as in the send call.
#[derive(Debug, Default)]
pub(crate) struct Required {
    pub(crate) attributes: Attributes,
    pub(crate) ip: bool,
    pub(crate) user_agent: bool,
}

impl Required {
    pub(super) fn check(&self, sent: &Attributes) -> Result<(), Refusal> {
        let ip = !self.ip || self.attributes.ip_address == sent.ip_address;
        let user_agent = !self.user_agent || self.attributes.user_agent == sent.user_agent;
        if ip && user_agent { Ok(()) } else { Err(Refusal::AttributeMismatch) }
    }
}

impl std::fmt::Debug for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Code")
            .field("used", &self.used)
            .field("failures", &self.failures)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_code_is_dropped_if_there_are_too_many() {
        let mut state = State::new(Duration::seconds(5));
        let mut send = |n: usize| {
            let contact = Contact::email(&format!("user{n}@example.com")).unwrap();
            let sent =
                SentCode { user_id: String::new(), method_id: n.to_string(), user_created: false };
            let attributes = Attributes::default();
            state.deliver_code(
                contact,
                &sent,
                Duration::MINUTE,
                attributes,
                OffsetDateTime::UNIX_EPOCH,
            );
            state.codes.by_method.get("0").is_some()
        };
        for n in 0..CAPACITY {
            assert!(send(n), "{n}");
        }
        assert!(!send(CAPACITY));
    }
}
