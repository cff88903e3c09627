import { Alert, Button, PasswordInput, TextInput } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useState, type SubmitEvent } from 'react'

import { exchange } from '../../api/exchange'
import { asSentence, Problem, sentenceOf } from '../../api/problem'
import { Mark } from '../../components/icons'
import classes from './AuthScreen.module.css'
import { session } from './session'

type Mode = 'login' | 'register'

/** The door: log in, register, or look around with the demo login. */
export function AuthScreen() {
  const [mode, setMode] = useState<Mode>('login')
  return (
    <div className={classes.screen}>
      <main className={classes.card}>
        <h1 className={classes.name}>
          <Mark /> Papertape
        </h1>
        <p className={classes.lead}>
          A stock exchange in a box. Trade a living market with 100,000 simulated dollars, and
          no risk.
        </p>
        {session.hasEnded() && (
          <p role="status" className={classes.ended}>
            Your login has ended. Log in again to go on; your account is as you left it.
          </p>
        )}
        <Credentials key={mode} mode={mode} />
        <p className={classes.other}>
          {mode === 'login' ? 'New here?' : 'Already have a login?'}{' '}
          <button
            type="button"
            className={classes.link}
            onClick={() => setMode(mode === 'login' ? 'register' : 'login')}
          >
            {mode === 'login' ? 'Create a login' : 'Log in'}
          </button>
        </p>
        <DemoLogin />
      </main>
      <footer className={classes.footer}>Simulated. Not advice.</footer>
    </div>
  )
}

async function enter(
  mode: Mode,
  username: string,
  password: string,
  code?: string,
): Promise<void> {
  if (mode === 'register') await exchange.register(username, password)
  const { access_token } = await exchange.login(username, password, code)
  session.open(access_token)
}

function Credentials({ mode }: { mode: Mode }) {
  const [username, setUsername] = useState('')
  const [password, setPassword] = useState('')
  const [code, setCode] = useState('')
  const [takesCode, setTakesCode] = useState(false)
  const entering = useMutation({
    mutationFn: () => enter(mode, username.trim(), password, code.trim()),
    onError: (error) => {
      if (error instanceof Problem && error.reason === 'code_needed') setTakesCode(true)
    },
  })
  const submit = (event: SubmitEvent) => {
    event.preventDefault()
    entering.mutate()
  }
  const problem = entering.error instanceof Problem ? entering.error : null
  const errorOf = (field: string) =>
    problem?.field === field ? asSentence(problem.message) : undefined
  const general =
    entering.error !== null &&
    problem?.reason !== 'code_needed' &&
    !['username', 'password'].includes(problem?.field ?? '')
  return (
    <form
      onSubmit={submit}
      className={classes.form}
      aria-label={mode === 'login' ? 'Log in' : 'Register'}
    >
      <TextInput
        label="Name"
        name="username"
        autoComplete="username"
        autoCapitalize="none"
        spellCheck={false}
        required
        withAsterisk={false}
        data-autofocus
        value={username}
        onChange={(event) => setUsername(event.currentTarget.value)}
        error={errorOf('username')}
      />
      <PasswordInput
        label="Password"
        name="password"
        autoComplete={mode === 'login' ? 'current-password' : 'new-password'}
        description={mode === 'register' ? 'At least 10 characters' : undefined}
        required
        withAsterisk={false}
        value={password}
        onChange={(event) => setPassword(event.currentTarget.value)}
        error={errorOf('password')}
      />
      {takesCode && (
        <TextInput
          label="Code"
          name="code"
          description="Of your app, or a recovery code"
          autoComplete="one-time-code"
          autoFocus
          required
          withAsterisk={false}
          value={code}
          onChange={(event) => setCode(event.currentTarget.value)}
        />
      )}
      {mode === 'register' && (
        <p className={classes.other}>
          Everything here is simulated, and nothing is advice. You accept this with your login.
        </p>
      )}
      {general && (
        <Alert role="alert" color="red" variant="light" p="xs">
          {sentenceOf(entering.error)}
        </Alert>
      )}
      <Button type="submit" loading={entering.isPending} fullWidth>
        {mode === 'login' ? 'Log in' : 'Create login'}
      </Button>
    </form>
  )
}

/** Offered only when the server says so: on this machine, never over the network. */
function DemoLogin() {
  const demo = useQuery({ queryKey: ['demo'], queryFn: exchange.demo, retry: false })
  const entering = useMutation({
    mutationFn: (login: { username: string; password: string }) =>
      enter('login', login.username, login.password),
  })
  const login = demo.data
  if (login?.enabled !== true) return null
  return (
    <div className={classes.demo}>
      <Button
        variant="default"
        fullWidth
        loading={entering.isPending}
        onClick={() => entering.mutate(login)}
      >
        Try the demo
      </Button>
      {entering.error !== null && (
        <p role="alert" className="down">
          {sentenceOf(entering.error)}
        </p>
      )}
    </div>
  )
}
