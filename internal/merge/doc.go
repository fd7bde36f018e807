// Package merge stores the sessions of one manager in a [driver.Backend]. Concurrent requests and nodes that change the
// same session do not lose each other's changes. The package knows values, versions and deadlines, but neither sids nor
// HTTP.
//
// A request's view of a session is a [Draft], with a [Log] of its changes. [Store.Save], [Store.Move] and [Store.Expire]
// apply the changes to the newest version, in one loop that repeats as long as others are faster. An [Outcome] reports what
// happened.
package merge
