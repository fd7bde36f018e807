package session

// MemSessionStore is another name of Session, so that an application's type assertions on beego's stores hold. The Stores of
// all providers of this module are Sessions: the names of the others say nothing else.
//
// Deprecated: use [Session].
type MemSessionStore = Session

// FileSessionStore is another name of Session, see [MemSessionStore].
//
// Deprecated: use [Session].
type FileSessionStore = Session

// CookieSessionStore is another name of Session, see [MemSessionStore].
//
// Deprecated: use [Session].
type CookieSessionStore = Session
