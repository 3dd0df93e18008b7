using Kv.Node.Hosting;
using Kv.Node.Storage;

try
{
    if (await CommandLine.TryServeAsync(args, Console.Out) is { } served) return served;
    await NodeApplication.RunAsync(args);
    return Environment.ExitCode;
}
catch (StorageFailedException failed)
{
    await Console.Error.WriteLineAsync(failed.Message);
    return failed is StorageDamagedException ? ExitCodes.Damaged : ExitCodes.DiskFailed;
}
catch (Exception refused) when (refused is InvalidOptionsException or DataDirectoryRefusedException or IOException)
{
    // For a person to read: what is wrong, and nothing else. IOException: a port is taken.
    await Console.Error.WriteLineAsync(refused.Message);
    return ExitCodes.Refused;
}
