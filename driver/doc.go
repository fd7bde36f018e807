// Package driver is the contract between package session and its storage engines. Applications need it only if they wrap an
// engine or write one. session.NewProvider and session.NewClientProvider turn an engine into a provider. Package
// sessiontest checks an engine against the contract.
//
// An engine keeps records under keys, either in a store ([Backend]) or in the client ([Sealer]). It declares what else it
// can do by implementing optional interfaces, such as [Sweeper] and [UserLimiter]. "The Manager" in these comments is the
// session.Manager that calls the engine.
//
// The package may still change until version 1.0.
package driver
