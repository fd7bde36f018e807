// Package merge keeps the sessions of one manager in a [driver.Backend], so that requests and nodes that change one session
// at a time lose nothing of each other's. It knows values, versions and deadlines, but no sids and no HTTP.
//
// A request's view of a session is a [Draft], with a [Log] of what it changed. [Store.Save], [Store.Move] and [Store.Expire]
// apply that to the newest version, in one loop, as often as others are faster. An [Outcome] tells of what they met.
package merge
