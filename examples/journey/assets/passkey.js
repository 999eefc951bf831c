// Asks the browser for a passkey, and sends its response with the form. The page shows the form
// only if this script runs and the browser can do this.
const form = document.getElementById("passkey");
const isSupported = window.PublicKeyCredential?.parseCreationOptionsFromJSON
  && PublicKeyCredential.parseRequestOptionsFromJSON && PublicKeyCredential.prototype.toJSON;

const problems = {
  NotAllowedError: "The browser did not get a passkey: the request was cancelled or took too long. Try again.",
  InvalidStateError: "This device already has a passkey for your account.",
  SecurityError: "The browser does not allow passkeys on this page.",
};

async function ask(options) {
  if (form.dataset.passkey === "create") {
    const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
    return navigator.credentials.create({ publicKey });
  }
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
  return navigator.credentials.get({ publicKey });
}

async function send(event) {
  event.preventDefault();
  const error = document.getElementById("passkey-error");
  const button = form.querySelector("button");
  error.hidden = true;
  button.disabled = true;
  try {
    const credential = await ask(JSON.parse(form.dataset.options));
    form.elements.credential.value = JSON.stringify(credential);
    form.submit();
  } catch (problem) {
    console.error(problem);
    error.textContent = problems[problem.name] ?? "The browser could not use a passkey. Try again.";
    error.hidden = false;
    button.disabled = false;
  }
}

if (form && isSupported) {
  document.getElementById("unsupported").hidden = true;
  form.hidden = false;
  form.addEventListener("submit", send);
}
