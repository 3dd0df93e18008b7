namespace Kv.Node.Backup;

/// <summary>What a backup or a restore is doing.</summary>
internal enum BackupStage
{
    /// <summary>A cut is being made.</summary>
    Preparing,

    /// <summary>The backup is on its way to its client.</summary>
    Streaming,

    /// <summary>The backup to be restored is on its way in; it is checked, and nothing is written yet.</summary>
    Receiving,

    /// <summary>Its keys are being written.</summary>
    Writing,

    /// <summary>What the cluster holds is compared with it.</summary>
    Verifying,
}
