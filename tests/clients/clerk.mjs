//! Reads answers with the package that all of Clerk's SDKs for JavaScript share.

import { validateReverificationConfig } from '@clerk/shared/authorization';
import {
  isReverificationHint, reverificationError, reverificationErrorResponse,
} from '@clerk/shared/authorization-errors';

import { input, print } from './io.mjs';

const answers = [];
for (const { url, headers, level, afterMinutes } of await input()) {
  const response = await fetch(url, { headers });
  const body = await response.json();
  const wanted = { level, afterMinutes };
  const valid = validateReverificationConfig(body.clerk_error?.metadata.reverification);
  answers.push({
    status: response.status,
    body,
    wantedStatus: reverificationErrorResponse(wanted).status,
    wantedBody: reverificationError(wanted),
    isHint: isReverificationHint(body),
    level: valid ? valid().level : null, // which dialog the client opens
  });
}
print(answers);
