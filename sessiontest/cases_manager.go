package sessiontest

import "slices"

// managerCases are the rules that a store keeps together with a [session.Manager]: what an application can
// rely on. Names say which request or response they are about.
var managerCases = slices.Concat(startCases, valueCases, flashCases, goneCases, deadlineCases, lifetimeCases, regenerateCases,
	outageCases, limitCases, secretCases, encryptionCases, corruptCases, shareCases, closeCases, loginCases, lateCases, byIDCases)
