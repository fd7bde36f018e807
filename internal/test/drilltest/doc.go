// Package drilltest is the drill for a rolling deployment: nodes of an old version of this module and of the present one
// serve the same clients over the same store, and nobody may be logged out and nothing lost. make drill runs it.
//
// The nodes are processes. The program of a node is in the folder node; it is built against both versions. The old one
// is taken from git. The drill goes through these phases, each on two nodes:
//
//	old alone, old beside new, back to old alone, old beside new once more, new alone
//
// What a phase has stored, the next one finds, and at its end all sessions are looked at on all nodes. So both versions
// read what the other one has written, and a table or an index that the one has made serves the other.
//
// TestSabotage has the drill fail: the new nodes are built with a format that is incompatible on purpose.
package drilltest
