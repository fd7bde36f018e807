package pebble

// OpenDB opens a folder without package kv.
var OpenDB = open
