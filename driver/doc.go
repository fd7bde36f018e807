// Package driver is the contract between package session and its storage engines. Applications need it only if they wrap an
// engine or write one. session.NewProvider and session.NewClientProvider turn an engine into a provider. Package
// sessiontest checks an engine against the contract.
//
// An engine keeps records under keys, either in a store ([Backend]) or in the client ([Sealer]). "The Manager" in these
// comments is the session.Manager that calls the engine. docs/provider.md in the repository leads through an engine of your
// own.
//
// # Optional interfaces
//
// A [Backend] declares what else it can do by implementing optional interfaces. The names below are of package session. What
// a missing interface costs:
//
//   - [Marker]: a request that arrives late with the sid from before a Login or Regenerate gets a new cookie, which replaces
//     the login's. MarkLifetime has no effect. New logs a warning, unless MarkLifetime is negative.
//   - [Sweeper]: expired records stay in the store for ever, unless the store removes them itself. Nobody gets such a session.
//     GC does nothing, and OnDestroy is never called with ReasonExpired.
//   - [Renamer]: Login and Regenerate copy the record and then end the old one, in two steps. A crash in between leaves
//     both records until they expire. In that time a list, a count and a limit can see the session twice.
//   - [UserLister]: SessionsOf, DestroyUser and DestroyOf return an error.
//   - [UserLimiter]: New refuses MaxPerUser. An engine that limits sessions should also list them.
//   - [Lister]: List returns an error. Where keys are bare sids, nobody finds a session by its public id.
//   - [Counter]: Count returns an error, and SessionAll and GetActiveSession return 0.
//   - [Clearer]: DestroyAll returns an error.
//   - [Watcher]: Session.Done learns within PollInterval, not at once, that another node has ended the session.
//   - [Pinger]: Ping loads a record that does not exist. It does not notice a store that refuses every write.
//   - [AliasLister]: nothing. It is reserved: this version gives no record an Alias and does not call ListAlias.
//   - [InProcess] and [KeyLimiter] describe the backend. Without them it gets hashes as keys and contexts with a timeout, and
//     takes keys of any length.
//   - [io.Closer]: nothing is closed. See [Backend].
//
// These errors wrap [errors.ErrUnsupported]. Declare each interface, so that the compiler compares the signatures; a method
// with another signature is no implementation, and nothing says so at run time:
//
//	var _ driver.Counter = (*backend)(nil)
//
// The package may still change until version 1.0.
package driver
