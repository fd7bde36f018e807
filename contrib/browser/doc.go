// Package browser contains only tests. They check, in Debian's Chromium, what visitors of an application see, and what
// happens to their cookies.
//
// All tests share one browser process. Each test opens its own windows with separate cookies, like a private window. Only
// tests that restart the browser start another process. Sites have names under test, such as shop.test, which the browser
// resolves to the loopback interface. They are served over HTTPS, because only there do browsers keep Secure, Partitioned
// and __Host- cookies and send Sec-Fetch-Site.
//
// If a setting turns off the behaviour that a test is about, the test also runs without the setting and must then fail.
// Otherwise it would also pass in a browser that lacks the behaviour.
package browser
