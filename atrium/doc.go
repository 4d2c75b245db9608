// Package atrium is a client for MX's REST dialects: authentication, paging,
// retry; rows out.
//
// It promises to its callers, whatever the server does:
//
//   - A walk that is complete has read a whole list while, as far as the API
//     shows it, the list stood still. Everything else ends with a Reason in its
//     evidence. A list that came back short is never taken for a short list.
//     What paging by offset cannot show is one row added and another removed
//     between the same two requests, both behind the first page: who must know
//     compares the member's Status before and after.
//   - A value is stored exactly or not at all: what does not fit its column is
//     null there, kept as it came in extra, and counted. Coordinates are
//     doubles, the nearest ones.
//   - Keys are sent to the one address that was configured, and appear in no
//     text that leaves the package. Neither does anything of an answer's body
//     except rows.
//   - It holds back when told to: no request is sent inside a Retry-After, and
//     an outage does not multiply the load.
//
// Facts about MX are those of mx-api.md, by section.
package atrium
