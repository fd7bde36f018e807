// Package drilltest is the drill for a rolling deployment: nodes of an old version of this module and of the current one
// serve the same clients over the same store. Nobody may be logged out and nothing may be lost. make drill runs it.
//
// The nodes are processes. The folder node contains their program, which is built against both versions. The old version
// comes from git. The drill goes through these phases, each with two nodes:
//
//	old alone, old beside new, back to old alone, old beside new once more, new alone
//
// Each phase works on what the previous one has stored. At the end of a phase all nodes read all sessions. So each version
// reads what the other has written, and uses tables and indexes that the other has created.
//
// TestSabotage makes the drill fail: it builds the new nodes with a format that is incompatible on purpose.
package drilltest
