package session

// MemSessionStore is another name of [Session], so that an application's type assertions on beego's stores still hold. All
// providers of this module have Sessions as their Stores, so the names say nothing about the provider.
//
// Deprecated: use [Session].
type MemSessionStore = Session

// FileSessionStore is another name of [Session]: see [MemSessionStore].
//
// Deprecated: use [Session].
type FileSessionStore = Session

// CookieSessionStore is another name of [Session]: see [MemSessionStore].
//
// Deprecated: use [Session].
type CookieSessionStore = Session
