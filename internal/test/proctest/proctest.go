// Package proctest supports tests in which several processes work on one store. The other processes run the test binary in
// a role.
package proctest

import (
	"fmt"
	"os"
	"os/exec"
)

// Roles are the tasks of other processes, by name. Each gets the config passed to [Command].
type Roles map[string]func(config string) error

const roleEnv, configEnv = "SESSION_TEST_ROLE", "SESSION_TEST_CONFIG"

// Run plays the role of this process and returns true, if it has one; TestMain must then return. Call it first in TestMain.
// A role that fails ends the process.
func Run(roles Roles) bool {
	name, is := os.LookupEnv(roleEnv)
	if !is {
		return false
	}
	role := roles[name]
	if role == nil {
		fmt.Fprintf(os.Stderr, "there is no role %q\n", name)
		os.Exit(1)
	}
	if err := role(os.Getenv(configEnv)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return true
}

// Command returns a process with a role. It is not started yet. Its output goes to this process's standard error.
func Command(role, config string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), Env(role, config)...)
	cmd.Stderr = os.Stderr
	return cmd
}

// Env returns the environment variables that give a process a role.
func Env(role, config string) []string {
	return []string{roleEnv + "=" + role, configEnv + "=" + config}
}
