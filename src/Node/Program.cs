using Kv.Node.Hosting;
using Kv.Node.Storage;

if (args.Contains("--healthcheck")) return await HealthCheck.RunAsync();

try
{
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
