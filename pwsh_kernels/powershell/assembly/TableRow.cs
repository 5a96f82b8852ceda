// Tells of each object whether it is another row of a table: a script's own loop over the object's
// properties takes ten times as long until the engine has compiled it (measured). Part of
// PwshKernels.dll, as ProgressHost.cs is.

using System;
using System.Collections.Generic;
using System.Collections.ObjectModel;
using System.Management.Automation;
using System.Reflection;

namespace PwshKernels
{
    /// <summary>The properties of a table's rows, and a type that has no others.</summary>
    public sealed class TableRow
    {
        // Where the engine keeps what an object has of its own: the first look at its public
        // Properties takes as long as all the rest of a row (25 µs, measured).
        static readonly Func<PSObject, Collection<string>> typeNames =
            Getter<Collection<string>>("InternalTypeNames");
        static readonly Func<PSObject, PSMemberInfoCollection<PSMemberInfo>> ownMembers =
            Getter<PSMemberInfoCollection<PSMemberInfo>>("InstanceMembers");

        readonly HashSet<string> names;
        readonly string type;

        TableRow(HashSet<string> names, string type)
        {
            this.names = names;
            this.type = type;
        }

        static Func<PSObject, T> Getter<T>(string name)
        {
            var found = typeof(PSObject).GetProperty(
                name, BindingFlags.NonPublic | BindingFlags.Instance);
            if (found == null || !typeof(T).IsAssignableFrom(found.PropertyType)) return null;
            return found.GetMethod.CreateDelegate<Func<PSObject, T>>();
        }

        /// <summary>
        /// Remember what the table's rows are; null where the engine has not the private names that
        /// this needs.
        /// </summary>
        public static TableRow Of(HashSet<string> names, string type) =>
            typeNames == null || ownMembers == null ? null : new TableRow(names, type);

        /// <summary>
        /// Whether an object certainly has no other properties; false may also mean that only its
        /// public Properties can tell.
        /// </summary>
        public bool Fits(PSObject value)
        {
            if (typeNames(value)[0] != type) return false;
            foreach (var one in ownMembers(value))
            {
                if (!names.Contains(one.Name)) return false;
            }
            return true;
        }
    }
}
