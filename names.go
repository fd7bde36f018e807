package session

// MemSessionStore is what a Store of a manager is, with every provider of this module: a type assertion that an application makes on
// beego's holds. It is not the type of a store that has none but memory, so that a type switch cannot tell providers apart.
//
// Deprecated: use [Session].
type MemSessionStore = Session

// FileSessionStore is MemSessionStore.
//
// Deprecated: use [Session].
type FileSessionStore = Session

// CookieSessionStore is MemSessionStore.
//
// Deprecated: use [Session].
type CookieSessionStore = Session
