// Package proctest has tests in which several processes work on one store. The other processes are the test binary
// itself, started again in a role.
package proctest

import (
	"fmt"
	"os"
	"os/exec"
)

// Roles are what another process may be for. Each is given the config that [Command] was.
type Roles map[string]func(config string) error

const roleEnv, configEnv = "SESSION_TEST_ROLE", "SESSION_TEST_CONFIG"

// Run plays this process's role, if it has one: first of all in TestMain, which then is over. A role that fails ends
// the process.
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

// Command returns a process with a role, not started yet. What it says goes to this one's standard error.
func Command(role, config string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), roleEnv+"="+role, configEnv+"="+config)
	cmd.Stderr = os.Stderr
	return cmd
}
