package bolt

// OpenDB opens a file without package kv.
var OpenDB = open
