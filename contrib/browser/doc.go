// Package browser has nothing but tests: what visitors of an application see, and what becomes of their cookies, in
// Debian's Chromium.
//
// All tests share one process of it. Each opens windows of its own, with cookies of their own as a private window has them;
// only who restarts the browser starts another. Sites are names under test, such as shop.test, which the
// browser finds on the loopback interface; they are served over HTTPS, since browsers keep Secure, Partitioned and __Host-
// cookies, and say Sec-Fetch-Site, there alone.
//
// Where a setting turns off what a story is about, the story is told once more without it, and has to end badly. Else it would
// pass in a browser that does not do what the story needs.
package browser
