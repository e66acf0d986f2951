// Everything that a program which trains with Lockstep uses, by one import.

@_exported import LockstepChatTemplates
@_exported import LockstepCheckpoints
@_exported import LockstepCommunication
@_exported import LockstepDatasets
@_exported import LockstepEncryption
@_exported import LockstepFederation
@_exported import LockstepFiles
@_exported import LockstepKeys
@_exported import LockstepModels
@_exported import LockstepNeuralNetworks
@_exported import LockstepOptimization
@_exported import LockstepParallelism
@_exported import LockstepPrivacy
@_exported import LockstepRedaction
@_exported import LockstepReporting
@_exported import LockstepScoring
@_exported import LockstepSettings
@_exported import LockstepTensorBoard
@_exported import LockstepTensors
@_exported import LockstepTraining
@_exported import LockstepWeights
