// Package beegotest has beego's own ledis provider and this repository's work on the same sessions. It is a module of its
// own, so that programs with contrib/ledis do not depend on beego.
package beegotest
