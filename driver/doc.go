// Package driver is the contract between package session and its storage engines. Applications need it only to wrap an
// engine or to write one; they make a provider of it with session.NewProvider or session.NewClientProvider. Package
// sessiontest checks an engine against the contract.
//
// An engine keeps records under keys, in a store ([Backend]) or in the client ([Sealer]). What it can do beyond that it
// says with the optional interfaces, such as [Sweeper] and [UserLimiter]. The Manager that these comments speak of is
// a session.Manager, which calls the engine.
//
// The package may still change until version 1.0: records are to get metadata of their own.
package driver
